"""Secrets we hand out: gateway keys, session tokens, set-up links."""

import hashlib
import re
import secrets

from app.core.errors import BadRequest

_KEY = re.compile(r"gw_(live|test|staging|dev)_[A-Za-z0-9_-]{43}")


def new_key_secret() -> str:
    """`gw_live_` and 43 URL-safe characters (32 random bytes)."""
    return f"gw_live_{secrets.token_urlsafe(32)}"


def check_key_secret(secret: str) -> str:
    if not _KEY.fullmatch(secret):
        raise BadRequest(
            "secret: a gateway key is gw_live_, gw_test_, gw_staging_ or gw_dev_ and 43 URL-safe characters.",
            field="secret",
        )
    return secret


def hint(secret: str, shown_start: int = 3) -> str:
    """Enough to recognise a secret by, never enough to use it: `sk-…a1b2`."""
    if len(secret) < 12:
        return "…"
    return f"{secret[:shown_start]}…{secret[-4:]}"


def new_token() -> str:
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
