"""Secrets at rest: a master key wraps data keys, data keys encrypt secrets (AES-256-GCM) and sign gateway keys."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from app.core.errors import StartError

_VERSION = 1
_KEY_ID = 1


class Vault:
    """Encrypts and decrypts with a data key; a blob is version, key id, 12-byte nonce, ciphertext and tag."""

    def __init__(self, data_key: bytes, signing_key: bytes) -> None:
        self._aes = AESGCM(data_key)
        self._signing = hmac.new(signing_key, digestmod="sha256")

    def encrypt(self, secret: str, *, table: str, column: str, row: str) -> bytes:
        nonce = os.urandom(12)
        sealed = self._aes.encrypt(nonce, secret.encode(), _identity(table, column, row))
        return bytes((_VERSION, _KEY_ID)) + nonce + sealed

    def decrypt(self, blob: bytes, *, table: str, column: str, row: str) -> str:
        try:
            return self._aes.decrypt(blob[2:14], blob[14:], _identity(table, column, row)).decode()
        except InvalidTag:
            raise StartError(
                f"A secret in the database ({table} {row}) cannot be decrypted: the row was changed or moved. "
                "Enter that secret again."
            ) from None

    def sign(self, token: str) -> str:
        """HMAC-SHA-256 of a gateway key's secret, hexadecimal: what the database keeps of it."""
        signing = self._signing.copy()  # a third of the cost of starting from the key
        signing.update(token.encode())
        return signing.hexdigest()


class WrappedKeys:
    """The data keys as the database keeps them, and the fingerprint of the master key that wrapped them."""

    def __init__(self, fingerprint: bytes, data_key: bytes, signing_key: bytes) -> None:
        self.fingerprint = fingerprint
        self.data_key = data_key
        self.signing_key = signing_key


def new_keys(master: bytes) -> WrappedKeys:
    return WrappedKeys(
        fingerprint(master),
        aes_key_wrap(master, secrets.token_bytes(32)),
        aes_key_wrap(master, secrets.token_bytes(32)),
    )


def unlock(master: bytes, wrapped: WrappedKeys) -> Vault:
    """Raises StartError when this master key is not the one that wrapped them."""
    if not hmac.compare_digest(fingerprint(master), wrapped.fingerprint):
        raise StartError(
            "The master key does not fit this database: it was set up with another one. "
            "Put the right master.key back into the data folder, or set ANYGPT_SECRET_KEY to it."
        )
    try:
        return Vault(aes_key_unwrap(master, wrapped.data_key), aes_key_unwrap(master, wrapped.signing_key))
    except InvalidUnwrap:
        raise StartError("The data keys in the database are damaged. Restore the database from a backup.") from None


def fingerprint(master: bytes) -> bytes:
    return hashlib.sha256(b"anygpt master key fingerprint" + master).digest()[:16]


def load_master_key(path: Path, from_environment: str | None, *, may_create: bool) -> bytes:
    """The 32 bytes of the master key: the environment's, else the file's, else (a fresh folder only) a new one."""
    if from_environment:
        return base64.b64decode(from_environment)
    if path.exists():
        try:
            key = base64.b64decode(path.read_text(encoding="ascii").strip(), validate=True)
        except (OSError, UnicodeDecodeError, binascii.Error):
            key = b""
        if len(key) != 32:
            raise StartError(
                f"{path} is not a master key (base64 of 32 bytes) or cannot be read. Put the right file back."
            )
        return key
    if not may_create:
        raise StartError(
            f"The master key is missing: {path} is gone and ANYGPT_SECRET_KEY is not set. "
            "Without it the stored provider keys cannot be read. Put the file back from your backup."
        )
    key = secrets.token_bytes(32)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(base64.b64encode(key).decode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def _identity(table: str, column: str, row: str) -> bytes:
    return f"{table}\0{column}\0{row}".encode()
