"""Where OpenAI's servers answer otherwise than OpenAI's description says: by name, with the reason."""

from __future__ import annotations

import re

import msgspec


class Known(msgspec.Struct, frozen=True):
    """Explains the complaints that the pattern matches, about OpenAI's own answers only: what AnyGPT writes itself
    is held against the description as it stands."""

    name: str
    reason: str
    format: str
    pattern: str

    def explains(self, format: str, complaint: str) -> bool:
        return format == self.format and re.fullmatch(self.pattern, complaint) is not None


KNOWN = (
    Known(
        "null for none",
        "what there is none of may be left out, the description says; the servers write null",
        "openai-chat",
        r"system_fingerprint: None is not of type 'string'",
    ),
    Known(
        "null for none",
        "what there is none of may be left out, the description says; the servers write null",
        "openai-responses",
        r"(response\.)?(user: None is not of type 'string'|text\.format\.description: None is not of type 'string')"
        r"|response\.usage: None is not of type 'object'",
    ),
    Known(
        "no finish yet",
        "a completion's pieces are whole completions there, which have always ended",
        "openai-completions",
        r"choices\.\[\]\.finish_reason: None is not (of type 'string'|one of \['stop', 'length', 'content_filter'\])",
    ),
    Known(
        "later than the answer",
        "members that are required now, and were not yet when the answer was given",
        "openai-chat",
        r"choices\.\[\]: 'logprobs' is a required property|choices\.\[\]\.message: 'refusal' is a required property",
    ),
    Known(
        "later than the answer",
        "members that are required now, and were not yet when the answer was given",
        "openai-responses",
        r"(response\.)?usage\.input_tokens_details: 'cache_write_tokens' is a required property"
        r"|(|part|item\.content\.\[\]|response\.output\.\[\]\.content\.\[\]): 'logprobs' is a required property"
        r"|: '(name|sequence_number)' is a required property",
    ),
    Known(
        "error in error",
        "the members of an error event stand in its `error`",
        "openai-responses",
        r": '(code|message|param)' is a required property",
    ),
    Known(
        "search not begun",
        "what a search does is not known when it is added",
        "openai-responses",
        r"item: 'action' is a required property",
    ),
    Known(
        "vectors as base64",
        "the description does not know `encoding_format`, though the request's does",
        "openai-embeddings",
        r"data\.\[\]\.embedding: '[A-Za-z0-9+/=]+",
    ),
    Known(
        "no error object",
        "a server in front of OpenAI's refuses in words of its own",
        "error",
        r": 'error' is a required property",
    ),
)
