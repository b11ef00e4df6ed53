"""What can go wrong between here and a provider, each as one sentence."""

from __future__ import annotations

from enum import Enum

from app.core.errors import UnreadableAnswer, UpstreamDown, UpstreamError, UpstreamTimeout
from app.providers.addresses import host_of


class Cause(Enum):
    """(the error of it, its sentence with a place for the host)"""

    error: type[UpstreamError]
    sentence: str

    def __init__(self, error: type[UpstreamError], sentence: str) -> None:
        self.error = error
        self.sentence = sentence

    NOT_AN_ADDRESS = UpstreamDown, "{host} is not a valid address; check base_url."
    NAME_NOT_FOUND = (
        UpstreamDown,
        "The name of {host} was not found; check the spelling of base_url and this machine's DNS.",
    )
    REFUSED = UpstreamDown, "{host} accepts no connections; check base_url and that the server runs."
    NO_TRUSTED_TLS = (
        UpstreamDown,
        "No trusted TLS connection to {host}; check its certificate, or whether base_url should be http.",
    )
    CONNECT_TIMEOUT = (
        UpstreamTimeout,
        "{host} accepted no connection in time; check that it runs and can be reached from here.",
    )
    SILENT = UpstreamTimeout, "{host} sent nothing for too long; try again, or raise the time-outs."
    HUNG_UP = (
        UpstreamDown,
        "{host} closed the connection without an answer; check that the service is healthy.",
    )
    BROKE_OFF = UpstreamDown, "{host} broke off in the middle of its answer."
    CLOSED_HERE = UpstreamDown, "The call to {host} was ended before its answer was read."
    NOT_HTTP = UnreadableAnswer, "{host} does not answer in HTTP; check scheme and port of base_url."
    HEAD_TOO_LONG = UnreadableAnswer, "{host} answered with more than 64 KiB of headers."
    NOT_DECODABLE = UnreadableAnswer, "{host} answered in a compression that cannot be read; check any proxy before it."


class NetworkFault(Exception):
    """Raised inside the client only: the transport turns it into an error of the tree."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.name)
        self.cause = cause


def network_failure(cause: Cause, url: str) -> UpstreamError:
    """What went wrong on the way, as a sentence that names the host and what to check."""
    return cause.error(cause.sentence.format(host=host_of(url)))
