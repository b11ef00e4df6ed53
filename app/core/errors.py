"""The one error tree.

AnyGPTError
├── ClientError                 the caller's doing; nothing was sent upstream
│   ├── BadRequest          400
│   ├── NotAuthenticated    401
│   ├── BudgetSpent         402
│   ├── NotAllowed          403
│   ├── NotFound            404
│   ├── SlowClient          408  the body does not come, or the answer is not read
│   ├── Conflict            409
│   ├── TooLarge            413
│   ├── Unsupported         422  what was asked cannot be said to this model or in this format
│   └── RateLimited         429  (Retry-After)
├── UpstreamError               one attempt at one deployment failed
│   ├── BadCredential            401/402/403 there: the provider's key is bad → next key
│   ├── Throttled                429 there: cool this key → next
│   ├── UpstreamDown             408/5xx/network → next, the breaker counts
│   │   └── UpstreamTimeout
│   ├── UnreadableAnswer         not what the format promises → next, the breaker counts
│   └── RequestRefused           400/404/413/422 there: the request's fault → no retry
│       ├── ContextTooLong
│       └── ContentPolicy
├── Unavailable
│   ├── NoProvider          503
│   ├── AllAttemptsFailed   502 (429 if every candidate said so, 504 if the last one timed out)
│   ├── GatewayTimeout      504
│   └── LedgerUnavailable   503
└── StartError                  the process cannot start or a command is refused: exit 1, one line

Each error knows its HTTP status, whether another attempt may help, whether the deployment is to blame,
and the sentence a person sees: what failed, and the next step where there is one.
"""

from __future__ import annotations

from typing import ClassVar

MAX_MESSAGE = 4000  # characters: some sentences repeat what was sent, and all are written to the ledger


class AnyGPTError(Exception):
    """Root of the tree. `message` is one sentence for a person; `code` is stable for programs."""

    status: int = 500
    code: ClassVar[str] = "internal_error"
    retry: ClassVar[bool] = False  # another attempt elsewhere may help
    blames_deployment: ClassVar[bool] = False  # the breaker counts it

    def __init__(self, message: str, *, field: str | None = None, retry_after: float | None = None) -> None:
        if len(message) > MAX_MESSAGE:
            message = f"{message[:MAX_MESSAGE]} …"
        super().__init__(message)
        self.message = message
        self.field = field
        self.retry_after = retry_after


class ClientError(AnyGPTError):
    status = 400
    code = "bad_request"


class BadRequest(ClientError):
    pass


class NotAuthenticated(ClientError):
    status = 401
    code = "invalid_api_key"


class BudgetSpent(ClientError):
    status = 402
    code = "budget_exceeded"


class NotAllowed(ClientError):
    status = 403
    code = "not_allowed"


class NotFound(ClientError):
    status = 404
    code = "not_found"


class ModelNotFound(NotFound):
    code = "model_not_found"


class SlowClient(ClientError):
    status = 408
    code = "request_timeout"


class Conflict(ClientError):
    status = 409
    code = "conflict"


class TooLarge(ClientError):
    status = 413
    code = "request_too_large"


class Unsupported(ClientError):
    status = 422
    code = "unsupported"


class RateLimited(ClientError):
    status = 429
    code = "rate_limit_exceeded"


class UpstreamError(AnyGPTError):
    """What one attempt met. `upstream_status` is what the provider answered, 0 where it answered nothing;
    `body` is the provider's error body (bounded, for passing on in the client's own format)."""

    status = 502
    code = "upstream_error"
    retry = True
    label: ClassVar[str] = "failed"

    def __init__(
        self,
        message: str,
        *,
        upstream_status: int = 0,
        upstream_code: str | None = None,
        body: bytes = b"",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.upstream_status = upstream_status
        self.upstream_code = upstream_code
        self.body = body


class BadCredential(UpstreamError):
    code = "provider_key_refused"
    label = "key refused"


class Throttled(UpstreamError):
    code = "provider_rate_limited"
    label = "rate limit"


class UpstreamDown(UpstreamError):
    code = "provider_unavailable"
    blames_deployment = True
    label = "unavailable"


class UpstreamTimeout(UpstreamDown):
    status = 504
    code = "provider_timeout"
    label = "timed out"


class UnreadableAnswer(UpstreamError):
    code = "provider_unreadable"
    blames_deployment = True
    label = "unreadable answer"


class RequestRefused(UpstreamError):
    """The provider says that the request itself is at fault; its status passes to the client."""

    code = "request_refused"
    retry = False
    label = "request refused"

    def __init__(
        self, message: str, *, upstream_status: int = 400, upstream_code: str | None = None, body: bytes = b""
    ) -> None:
        super().__init__(message, upstream_status=upstream_status, upstream_code=upstream_code, body=body)
        self.status = upstream_status if upstream_status in (400, 404, 413, 422) else 400


class ContextTooLong(RequestRefused):
    code = "context_length_exceeded"
    label = "context too long"


class ContentPolicy(RequestRefused):
    code = "content_policy"
    label = "content policy"


class Unavailable(AnyGPTError):
    status = 503
    code = "unavailable"


class NoProvider(Unavailable):
    code = "no_provider_available"


class AllAttemptsFailed(Unavailable):
    """Every candidate failed; `message` says what each said."""

    code = "all_attempts_failed"

    def __init__(self, message: str, *, status: int = 502, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.status = status


class GatewayTimeout(Unavailable):
    status = 504
    code = "timeout"


class LedgerUnavailable(Unavailable):
    code = "ledger_unavailable"


class StartError(AnyGPTError):
    """The process cannot start, or a command is refused; the command line prints the message and exits 1."""

    code = "start_refused"
