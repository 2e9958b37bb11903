"""Keyed ids are HMAC-SHA-256 to the letter: whoever has the key may compute them with any library."""

from __future__ import annotations

import hmac

from hypothesis import given
from hypothesis import strategies as st

from services.kit.ids import derived_id, keyed_id


@given(st.binary(max_size=100), st.lists(st.text(max_size=80), max_size=4))
def test_a_keyed_id_is_an_hmac(key: bytes, parts: list[str]) -> None:
    expected = hmac.new(key, "\x1f".join(parts).encode(), "sha256").hexdigest()[:32]
    assert keyed_id(key, *parts) == keyed_id(key, *parts) == expected


def test_parts_do_not_run_into_each_other() -> None:
    assert derived_id("a", "bc") != derived_id("ab", "c")
    assert keyed_id(b"k", "a", "bc") != keyed_id(b"k", "ab", "c")
