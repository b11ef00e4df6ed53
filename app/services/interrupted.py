"""What a crash left behind, put right at start."""

from __future__ import annotations

from sqlmodel import Session, col, select

from app.db.tables.chats import MessageRow
from app.db.tables.ledger import AttemptRow, RequestRow


def mark_interrupted(session: Session) -> int:
    """Closes what a crash left open: each open attempt becomes interrupted, and its request gets a row with the
    reserved amount as estimated cost, so that no spend is lost. Returns how many there were."""
    # of one request's attempts the last comes first: the request's row is made of that one
    left_open = select(AttemptRow).where(AttemptRow.state == "open").order_by(col(AttemptRow.position).desc())
    open_attempts = list(session.exec(left_open))
    for attempt in open_attempts:
        attempt.state = "interrupted"
        attempt.error = "AnyGPT stopped before this attempt ended"
        attempt.cost = attempt.reserved
        attempt.input_tokens = attempt.estimated_input
        session.add(attempt)
        if session.get(RequestRow, attempt.request_id) is None:
            session.add(
                RequestRow(
                    id=attempt.request_id,
                    at=attempt.started_at,
                    key_id=attempt.key_id,
                    person_id=attempt.person_id,
                    provider_id=attempt.provider_id,
                    provider=attempt.provider,
                    provider_kind=attempt.provider_kind,
                    model=attempt.model,
                    model_asked=attempt.model,
                    status=500,
                    error="AnyGPT stopped before this request ended; its cost is estimated",
                    input_tokens=attempt.estimated_input,
                    cost=attempt.reserved,
                    estimated=True,
                    attempts=attempt.position,
                    estimated_input=attempt.estimated_input,
                )
            )
            session.flush()
    for message in session.exec(select(MessageRow).where(MessageRow.status == "writing")):
        message.status = "interrupted"
        message.error = "AnyGPT stopped while this answer was written. Ask again for a new one."
        session.add(message)
    return len(open_attempts)
