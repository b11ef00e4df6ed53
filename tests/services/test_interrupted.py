"""What a crash left behind is put right at start: no spend is lost, none is counted twice."""

from __future__ import annotations

from sqlmodel import Session, select

from app.core.clock import Clock
from app.core.settings import Settings
from app.db.tables.chats import ConversationRow, MessageRow
from app.db.tables.ledger import AttemptRow, RequestRow
from app.services.container import Services
from app.services.interrupted import mark_interrupted
from app.services.startup import open_services
from app.services.views import KeySpec, Person


def attempt(number: int, request: str, state: str = "open", **fields: object) -> AttemptRow:
    known = {"provider_id": "p", "provider": "prov", "model": f"m{number}", "key_id": "key_1", "reserved": 700 + number}
    return AttemptRow(
        id=f"att_{request}_{number}",
        request_id=request,
        position=number,
        state=state,
        started_at=Clock().now(),
        estimated_input=50,
        **{**known, **fields},
    )


async def test_an_open_attempt_becomes_a_request_at_its_reserved_cost(services: Services) -> None:
    def crash(session: Session) -> None:
        session.add(attempt(1, "req_one"))
        session.add(attempt(1, "req_two"))
        session.add(attempt(2, "req_two"))
        session.add(attempt(1, "req_whole", state="closed", cost=5))
        session.add(RequestRow(id="req_whole", at=Clock().now(), cost=5))

    await services.db.write(crash)
    assert await services.db.write(mark_interrupted) == 3
    assert await services.db.write(mark_interrupted) == 0, "once is enough"
    rows = await services.db.read(lambda s: {row.id: row for row in s.exec(select(RequestRow))})
    assert set(rows) == {"req_one", "req_two", "req_whole"}
    one, two = rows["req_one"], rows["req_two"]
    assert (one.cost, one.estimated, one.status, one.input_tokens, one.key_id) == (701, True, 500, 50, "key_1")
    assert (two.cost, two.attempts, two.model) == (702, 2, "m2"), "the last attempt is the one that ran"
    assert rows["req_whole"].cost == 5
    states = await services.db.read(lambda s: set(s.exec(select(AttemptRow.state)).all()))
    assert states == {"interrupted", "closed"}


async def test_an_answer_that_was_being_written_says_so(services: Services, owner: Person) -> None:
    def crash(session: Session) -> None:
        session.add(ConversationRow(id="conv_1", person_id=owner.id, leaf_id="msg_2"))
        session.flush()
        session.add(MessageRow(id="msg_1", conversation_id="conv_1", role="user", text="Hello?"))
        session.add(
            MessageRow(id="msg_2", conversation_id="conv_1", parent_id="msg_1", role="assistant", status="writing")
        )

    await services.db.write(crash)
    await services.db.write(mark_interrupted)
    messages = await services.chats.messages(owner, "conv_1")
    assert [message.status for message in messages] == ["done", "interrupted"]
    assert "Ask again" in str(messages[1].error)
    turn = await services.chats.regenerate(owner, "conv_1", "msg_2", "demo/echo")
    async for _ in turn.updates():
        pass
    assert turn.text == "Hello?"


async def test_what_a_crash_left_open_counts_in_the_budget_after_a_restart(settings: Settings) -> None:
    async with open_services(settings, serving=True) as services:
        spec = KeySpec(name="ci", budgets=[{"usd": "1", "window": "day"}])
        key, _ = await services.keys.create("test", spec)
        await services.db.write(lambda session: session.add(attempt(1, "req_one", key_id=key.id)))
    async with open_services(settings, serving=False) as command:
        budgets = command.admission.budgets(command.keys.find("ci"))
        assert budgets is not None
        assert budgets.budgets[0].spent == 0, "a command leaves what a server is at alone"
    for _ in range(2):
        async with open_services(settings, serving=True) as services:
            budgets = services.admission.budgets(services.keys.find("ci"))
            assert budgets is not None
            assert budgets.budgets[0].spent == 701
