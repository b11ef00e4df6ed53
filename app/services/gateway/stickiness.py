"""Where a conversation was answered before: prompt caches of providers work only where it stays."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

from app.core.chat import ChatRequest
from app.formats.glimpse import Glimpse, glimpse, glimpse_request
from app.services.gateway.call import Call

IDLE_S = 600.0  # as long as providers keep a prompt
MOST = 50_000  # conversations


class Stickiness:
    """By conversation: the chat's, the client's `session_id` or `prompt_cache_key`, or else whoever begins with the
    same system prompt and first message. A request with one message only is free: it leaves a trace for the next."""

    def __init__(self) -> None:
        self._places: OrderedDict[bytes, tuple[str, float]] = OrderedDict()  # deployment, until (monotonic seconds)

    def find(self, call: Call, now: float) -> str | None:
        """The deployment that answered the conversation's last request, and marks the call as part of it."""
        key, goes_on = _conversation(call)
        if key is None:
            return None
        call.conversation = key
        found = self._places.get(key) if goes_on else None
        return found[0] if found is not None and found[1] > now else None

    def note(self, call: Call, deployment_id: str, now: float) -> None:
        """It answered."""
        key = call.conversation
        if key is None:
            return
        places = self._places
        places[key] = (deployment_id, now + IDLE_S)
        places.move_to_end(key)
        if len(places) > MOST:
            places.popitem(last=False)


def _conversation(call: Call) -> tuple[bytes | None, bool]:
    """What stands for it, and whether this request can be a later one of it."""
    owner = call.key.id if call.key is not None else call.person.id if call.person is not None else ""
    if (named := call.conversation_id or call.session) is not None:
        return _digest(owner, call.router, named), True
    if isinstance(call.request, ChatRequest):
        seen = glimpse_request(call.request)
    elif call.format is not None:
        seen = glimpse(call.format.name, call.body)
    else:
        seen = Glimpse()
    if not seen.first:
        return None, False
    return _digest(owner, call.router, call.peek.model, seen.system, seen.first), seen.first != seen.last


def _digest(*words: str) -> bytes:
    digest = blake2b(digest_size=16)
    for word in words:
        data = word.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(data) + data)
    return digest.digest()
