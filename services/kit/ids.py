"""Deterministic identifiers, so that a replay makes the same events again."""

import hashlib
import hmac

_SEPARATOR = b"\x1f"


def derived_id(*parts: str) -> str:
    """32 hex digits from the parts; for services that never see a source's own number."""
    return hashlib.blake2b(_SEPARATOR.join(part.encode() for part in parts), digest_size=16).hexdigest()


def keyed_id(key: bytes, *parts: str) -> str:
    """32 hex digits of HMAC-SHA-256: without the key nobody can go back from it to a number or name."""
    joined = _SEPARATOR.join(part.encode() for part in parts)
    return hmac.new(key, joined, hashlib.sha256).hexdigest()[:32]
