"""Encryption of what is told about persons, in lines and beside them: AES-256-GCM, one key for each person or case. Pure.

An encrypted part is `1 | key's number (16) | nonce (12) | ciphertext | tag (16)`. It is bound to its line and to whom it is
about, so that it opens nowhere else. A key is wrapped by the master key in the same way, bound to whom it belongs to.
"""

from __future__ import annotations

from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from beffroi.foundation.errors import Malformed

KEY_BYTES = 32
NONCE_BYTES = 12
_VERSION = b"\x01"
_HEAD = len(_VERSION) + 16
_PART = "beffroi journal personal 1\n{line}\n{about}"
_KEPT = "beffroi journal kept 1\n{name}\n{about}"
_KEY = "beffroi journal key 1\n{subject}"


def encrypt_part(text: str, *, key: bytes, key_id: UUID, line_id: UUID, about: str, nonce: bytes) -> bytes:
    """Return the encrypted part of a line. A nonce serves once for a key: 12 random bytes."""
    return _sealed(text.encode(), key, key_id, nonce, _PART.format(line=line_id, about=about))


def encrypt_kept(data: bytes, *, key: bytes, key_id: UUID, name: str, about: str, nonce: bytes) -> bytes:
    """Return the encrypted form of what another room's table keeps, bound to its name there. A nonce serves once."""
    return _sealed(data, key, key_id, nonce, _KEPT.format(name=name, about=about))


def key_of_part(part: bytes) -> UUID | None:
    """Return the number of the key that opens a part; None for what is none."""
    return UUID(bytes=part[1:_HEAD]) if part[:1] == _VERSION and len(part) > _HEAD + NONCE_BYTES else None


def decrypt_part(part: bytes, *, key: bytes, line_id: str, about: str) -> str:
    """Return the text of a part. Raises Malformed when it was altered, moved to another line, or the key is another."""
    return _part_opened(part, key, _PART.format(line=line_id, about=about)).decode()


def decrypt_kept(part: bytes, *, key: bytes, name: str, about: str) -> bytes:
    """Return what is kept under a name. Raises Malformed when it was altered, moved, or the key is another."""
    return _part_opened(part, key, _KEPT.format(name=name, about=about))


def wrap_key(key: bytes, *, master: bytes, subject: str, nonce: bytes) -> bytes:
    """Return a key encrypted with the master key."""
    return nonce + AESGCM(master).encrypt(nonce, key, _KEY.format(subject=subject).encode())


def unwrap_key(wrapped: bytes, *, master: bytes, subject: str) -> bytes:
    """Return a key. Raises Malformed when it was altered, belongs to another, or the master key is another."""
    return _opened(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], master, _KEY.format(subject=subject).encode())


def _sealed(data: bytes, key: bytes, key_id: UUID, nonce: bytes, bound: str) -> bytes:
    return _VERSION + key_id.bytes + nonce + AESGCM(key).encrypt(nonce, data, bound.encode())


def _part_opened(part: bytes, key: bytes, bound: str) -> bytes:
    nonce, sealed = part[_HEAD : _HEAD + NONCE_BYTES], part[_HEAD + NONCE_BYTES :]
    return _opened(nonce, sealed, key, bound.encode())


def _opened(nonce: bytes, sealed: bytes, key: bytes, bound: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(nonce, sealed, bound)
    except (InvalidTag, ValueError) as error:
        raise Malformed("it does not open with this key: it was altered, or the key is another") from error
