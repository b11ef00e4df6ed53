"""One attempt: call a deployment, hold back until there is content, pass the answer on, account for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from app.core.chat import ChatResult, Usage
from app.core.clock import Clock
from app.core.errors import (
    AnyGPTError,
    BadCredential,
    RequestRefused,
    UnreadableAnswer,
    UpstreamDown,
    UpstreamError,
)
from app.core.money import format_usd
from app.db.engine import Database, Upsert
from app.formats.base import UpstreamFormat
from app.formats.estimate import read_answer_text
from app.formats.failures import read_error
from app.providers.transport import Timeouts, UpstreamAnswer
from app.routing.standing import Standing
from app.routing.strategies.base import Candidate
from app.services.gateway.admission import Admission
from app.services.gateway.alarm import Alarm, Deadline
from app.services.gateway.answer_headers import answer_headers
from app.services.gateway.asking import adapt, reader_of, translator, upstream_call
from app.services.gateway.call import AttemptRecord, Call, ClientSide
from app.services.gateway.endings import drain, hear_out
from app.services.gateway.estimate import Estimator
from app.services.gateway.race import Outrun, Race
from app.services.gateway.readers import Reader
from app.services.gateway.record import opened
from app.services.gateway.slow_start import SlowStart, late_error
from app.services.health import Health
from app.services.log_sentences import OUTRUN
from app.services.snapshot import Credential, Provider

HOLD_EVENTS = 64
HOLD_BYTES = 256 * 1024
OUR_TIME = Timeouts(first_byte_s=None, idle_s=None)  # the attempt's own timer waits for both
MAX_ANSWER = 64 * 2**20
TOP_UP_TOKENS = 4096
LEAST_LOOK = 4096  # bytes of a stream between two looks at its length

_NOTHING = Usage()

Commit = Callable[[Call], Awaitable[None]]


class Attempts:
    def __init__(
        self,
        db: Database,
        health: Health,
        admission: Admission,
        estimator: Estimator,
        standing: Standing,
        table: Upsert,
        clock: Clock,
    ) -> None:
        self._db, self._health, self._admission, self._standing = db, health, admission, standing
        self._estimator, self._table, self._clock = estimator, table, clock
        # providers that refuse stream_options, and those that want their own dialect; bounded by their number
        self._no_usage: set[str] = set()
        self._adapted: set[str] = set()

    async def run(
        self,
        call: Call,
        client: ClientSide,
        planned: Candidate,
        provider: Provider,
        credential: Credential,
        deadline: Deadline,
        commit: Commit,
        adapted: bool = False,
        race: Race | None = None,
        least_rate: float | None = None,
    ) -> None:
        """Returns when the client has its whole answer. Raises UpstreamError (`call.begun` says whether another
        attempt may follow), Unsupported before any call, BudgetSpent when a stream outgrows what is left. `race`:
        others run beside it. `least_rate`: tokens a second, below which a stream's beginning is left for another."""
        format = translator(call, planned.deployment)
        asks = self._asks_usage(call, provider, format)
        adapted = adapted or provider.id in self._adapted
        asked = upstream_call(call, planned.deployment, provider, format, asks, adapted)
        record = self._open(call, planned, credential)
        record.approximated = asked.approximated
        reader = reader_of(call, format, strip_usage=asks) if call.peek.stream else None
        answer: UpstreamAnswer | None = None
        held: list[Any] = []
        body = b""
        rest: AsyncIterator[bytes] | None = None
        slow = SlowStart(least_rate, provider.name) if least_rate is not None else None
        # a whole answer has no first content to wait for, only an end
        alarm = Alarm(deadline.task, deadline.first() if reader is not None else deadline.end)
        try:
            try:
                answer = await provider.upstream.call(
                    call.format_name if format is None else format.name,
                    asked,
                    credential.secret,
                    read_error,
                    OUR_TIME,
                )
                if call.format is not None and not call.format.stream_type:
                    call.content_type = answer.headers.get("content-type")
                if reader is not None:
                    rest = await self._pass_on(call, client, record, answer, reader, alarm, deadline, held, race, slow)
                else:
                    body = await answer.read(MAX_ANSWER)
                    whole = self._whole(call, record, format, body)
                if race is not None and not call.begun:
                    race.claim(call, record)
            except asyncio.CancelledError:
                if not alarm.answered():
                    raise
                raise late_error(record, deadline, alarm, slow) from None
            finally:
                alarm.stop()
            if reader is not None and rest is not None and format is None and not answer.complete:
                await hear_out(rest, reader)
            if reader is not None:
                record.usage, call.finish = reader.usage, reader.finish
            if record.usage is None:
                said, size = (reader.said, reader.output_text) if reader is not None else (record.said, 0)
                record.usage = await self._estimator.usage(call, record.deployment.model, said, size, body)
            self._succeeded(record, call)
            if adapted:
                self._adapted.add(provider.id)
            if race is not None:
                await race.alone()
            await commit(call)
            extra = self._metadata(call)
            if reader is not None:
                if not call.begun:
                    await self._begin(call, client, held)
                await client.finish(reader.end(extra))
                if not answer.complete:
                    await drain(answer)
            else:
                await self._send_whole(call, client, whole, extra)
        except (AnyGPTError, asyncio.CancelledError) as error:
            if answer is not None:
                answer.close()
            self._failed(call, record, error, outrun=race is not None and race.lost)
            if not call.recorded:
                await self._count_partial(call, record, reader, error)
            if not isinstance(error, RequestRefused) or call.begun:
                raise
            if asks and b"stream_options" in error.body:
                self._no_usage.add(provider.id)
            elif adapted or format is not None or not adapt(asked, call.format_name, provider):
                raise
            else:
                adapted = True
            return await self.run(
                call, client, planned, provider, credential, deadline, commit, adapted, race, least_rate
            )

    async def _pass_on(
        self,
        call: Call,
        client: ClientSide,
        record: AttemptRecord,
        answer: UpstreamAnswer,
        reader: Reader,
        alarm: Alarm,
        deadline: Deadline,
        held: list[Any],
        race: Race | None,
        slow: SlowStart | None,
    ) -> AsyncIterator[bytes] | None:
        """Streams until the end marker, which stays with the reader. Before the first content everything is held; so
        is an answer that came at once, since its end follows when it is committed: one write in place of two.
        Returns what the body goes on with, unless that marker was its end."""
        size = passed = 0
        # text is never longer than its bytes, so before that many nothing can have been outgrown
        open_end = call.reservation is not None and call.peek.max_tokens is None
        check_at = call.reserved_output * 3 if open_end else None
        chunks = answer.chunks()
        rest: AsyncIterator[bytes] | None = chunks
        async for chunk in chunks:
            piece = reader.feed(chunk)
            if reader.error is not None:
                raise _upstream_error(reader.error)
            if call.begun:
                alarm.move(deadline.next())
                if piece:
                    alarm.client = True
                    await client.write(piece)
                    alarm.client = False
                if check_at is not None and (passed := passed + len(chunk)) > check_at:
                    check_at = passed + self._top_up(call, reader, passed, chunk)
            else:
                if piece:
                    held.append(piece)
                size += len(piece)  # an event that is not whole yet is the reader's, which has its own limit
                if reader.ended:
                    break
                if reader.content or reader.events > HOLD_EVENTS or size > HOLD_BYTES:
                    now = self._clock.monotonic()
                    if record.first_content is None:
                        record.first_content = now
                        self._health.answering(record.deployment, record.started)
                    if slow is not None and size <= HOLD_BYTES and not slow.fast_enough(reader, chunk, now):
                        alarm.move(min(deadline.end, deadline.now() + slow.left(now)))
                        continue
                    if race is not None:
                        race.claim(call, record)
                    alarm.move(deadline.next())
                    alarm.client = True
                    record.status = 200
                    await self._begin(call, client, held)
                    alarm.client = False
            if reader.ended:
                break
        else:
            rest = None
            piece = reader.close()
            if reader.error is not None:
                raise _upstream_error(reader.error)
            if not reader.ended:
                raise UpstreamDown(f"{record.deployment.provider} broke off in the middle of its answer.")
            if piece:
                held.append(piece)
        if not call.begun:  # a whole answer without content, or one that came at once
            record.first_content = record.first_content or self._clock.monotonic()
            record.status = 200
        elif held:
            await client.write(_joined(held))
        return rest

    async def _begin(self, call: Call, client: ClientSide, held: list[Any]) -> None:
        call.begun = True
        await client.start(200, answer_headers(call, self._clock.monotonic(), with_cost=False))
        if held:
            await client.write(_joined(held))
            held.clear()

    def _whole(self, call: Call, record: AttemptRecord, format: UpstreamFormat | None, body: bytes) -> Any:
        """The answer for the client, read and accounted. Raises UnreadableAnswer, or the error in a 200."""
        record.first_content = self._clock.monotonic()
        if format is None:
            assert call.format is not None
            record.usage, call.finish = call.format.result_usage(body)
            return body
        result = format.decode_result(body)
        result.asked = call.request
        record.usage = result.usage
        if record.usage is None and isinstance(result, ChatResult):
            record.said = read_answer_text(result)
        call.finish = result.finish
        return call.format.encode_result(result) if call.format is not None else result

    async def _send_whole(self, call: Call, client: ClientSide, whole: Any, extra: dict[str, Any] | None) -> None:
        if extra is not None and call.format is not None:
            whole = call.format.add_to_result(whole, extra)
        await client.start(200, answer_headers(call, self._clock.monotonic(), with_cost=True))
        await client.finish(whole)

    def _open(self, call: Call, planned: Candidate, credential: Credential) -> AttemptRecord:
        now = self._clock.monotonic()
        position = len(call.attempts) + 1
        record = AttemptRecord(
            id=f"att_{call.id[4:]}_{position}",
            position=position,
            deployment=planned.deployment,
            credential_id=credential.id,
            at=call.at_us + int((now - call.started) * 1_000_000),
            started=now,
        )
        if planned.deployment.price is not None:
            known = call.ceilings.get(planned.deployment.id)
            record.reserved = known if known is not None else self._admission.ceiling(call, planned)
        call.attempts.append(record)
        self._db.execute_soon(self._table, record.id, opened(call, record))
        tokens = call.question.input_tokens if call.question is not None else 0
        self._health.started(planned.deployment, tokens, now)
        self._standing.of(planned.deployment.id).started()
        return record

    def _succeeded(self, record: AttemptRecord, call: Call) -> None:
        record.ended = self._clock.monotonic()
        record.status = 200
        _price(record)
        call.status = 200
        self._health.succeeded(record.deployment, record.credential_id, record.first_token_ms, record.started)
        usage, first = record.usage or _NOTHING, record.first_content
        self._standing.of(record.deployment.id).ended(
            record.ended,
            True,
            record.ended - record.started,
            first - record.started if first is not None and call.peek.stream else None,
            usage.output,
            usage.input + usage.output,
            record.cost,
        )

    def _failed(
        self,
        call: Call,
        record: AttemptRecord,
        error: AnyGPTError | asyncio.CancelledError,
        *,
        outrun: bool = False,
    ) -> None:
        if call.recorded:  # the answer was whole; the client left while it was handed over
            return
        record.ended = self._clock.monotonic()
        if outrun:
            record.status, record.error, record.label = 499, OUTRUN, Outrun.label
            self._health.released(record.deployment, record.started)
        elif isinstance(error, UpstreamError):
            record.status = error.upstream_status or error.status
            record.error = error.message
            record.label = error.label
            self._health.failed(record.deployment, record.credential_id, error, record.started)
        else:
            ours = error if isinstance(error, AnyGPTError) else None
            record.status = ours.status if ours is not None else 499
            record.error = ours.message if ours is not None else "the client left before the end"
            record.label = ours.code if ours is not None else "client left"
            self._health.released(record.deployment, record.started)

        fault = not outrun and isinstance(error, UpstreamError) and error.retry and not isinstance(error, BadCredential)
        self._standing.of(record.deployment.id).ended(record.ended, False if fault else None)

    async def _count_partial(
        self, call: Call, record: AttemptRecord, reader: Reader | None, error: AnyGPTError | asyncio.CancelledError
    ) -> None:
        """What was read and said before the end is paid for."""
        left = not isinstance(error, UpstreamError)  # the provider was at work: what it read, at least, it counts
        reported = reader.usage if reader is not None else None
        if reported is None and not call.begun and not left:
            return
        said, size = (reader.said, reader.output_text) if reader is not None else ("", 0)
        counted = await self._estimator.usage(call, record.deployment.model, said, size)
        record.usage = reported or counted
        if record.usage.output < counted.output:  # a usage from the stream's beginning does not know what came after
            record.usage.output, record.usage.estimated = counted.output, True
        _price(record)

    def _top_up(self, call: Call, reader: Reader, passed: int, chunk: bytes) -> int:
        """A stream that outgrows its reservation reserves more; returns the bytes until the next look: half the way
        to where the text would reach the reservation, at the rate of text per byte so far."""
        if call.reservation is None or call.plan is None:
            return HOLD_BYTES
        text = reader.text_estimate(passed, chunk)
        while text // 3 > call.reserved_output:
            prices = [each.deployment.price for each in call.plan.order if each.deployment.price is not None]
            read = call.question.input_tokens if call.question is not None else 0
            more = [price.ceiling(read, TOP_UP_TOKENS) - price.ceiling(read, 0) for price in prices]
            call.reservation.top_up(max(more, default=0), self._clock.now())
            call.reserved_output += TOP_UP_TOKENS
        room = call.reserved_output * 3 - text
        return max(room * passed // max(text, 1) // 2, LEAST_LOOK)

    def _asks_usage(self, call: Call, provider: Provider, format: UpstreamFormat | None) -> bool:
        """Whether we ask for usage: a relayed request may ask for it itself."""
        return (
            call.peek.stream
            and provider.kind.ask_usage
            and not (format is None and call.peek.include_usage)
            and provider.id not in self._no_usage
        )

    def _metadata(self, call: Call) -> dict[str, Any] | None:
        if not call.wants_metadata:
            return None
        budgets = self._admission.budgets(call.key)
        left = budgets.left(self._clock.now()) if budgets is not None else None
        return {
            "anygpt": call.metadata(
                None if left is None else format_usd(left), None if call.cost is None else format_usd(call.cost)
            )
        }


def _price(record: AttemptRecord) -> None:
    price = record.deployment.price
    record.cost = None if price is None or record.usage is None else price.cost(record.usage)


def _upstream_error(error: AnyGPTError) -> UpstreamError:
    return error if isinstance(error, UpstreamError) else UnreadableAnswer(error.message)


def _joined(pieces: list[Any]) -> Any:
    if len(pieces) == 1:
        return pieces[0]
    if isinstance(pieces[0], bytes):
        return b"".join(pieces)
    return [event for piece in pieces for event in piece]
