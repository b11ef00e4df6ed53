"""A usage in OpenAI's own words that adds up, read by its type: the commonest one."""

from __future__ import annotations

from typing import Literal

import msgspec

from app.core.chat import Usage


class _Input(msgspec.Struct, forbid_unknown_fields=True):
    cached_tokens: int = 0
    audio_tokens: Literal[0] = 0


class _Output(msgspec.Struct, forbid_unknown_fields=True):
    reasoning_tokens: int = 0
    audio_tokens: Literal[0] = 0
    accepted_prediction_tokens: int = 0
    rejected_prediction_tokens: int = 0


class PlainUsage(msgspec.Struct, forbid_unknown_fields=True):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: _Input | None = None
    completion_tokens_details: _Output | None = None

    def normalised(self) -> Usage | None:
        """None where the counts do not add up: then `read_usage` has to find out what they mean."""
        prompt, completion = self.prompt_tokens, self.completion_tokens
        if prompt < 0 or completion < 0 or prompt + completion != self.total_tokens:
            return None
        usage = Usage(input=prompt, output=completion)
        if (read := self.prompt_tokens_details) is not None:
            usage.cache_read = min(max(read.cached_tokens, 0), prompt)
        if (said := self.completion_tokens_details) is not None:
            usage.reasoning = min(max(said.reasoning_tokens, 0), completion)
        return usage
