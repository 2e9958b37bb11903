from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from services.ingest.keys import (
    ApiKey,
    Denied,
    KeyRefused,
    every_type,
    mint,
    split,
    usual_types,
    verdict,
)
from services.ingest.validate import EXPLICIT_TYPES, RECORD_TYPES, UNLIMITED_TYPES, Grant
from tests.unit.ingest.samples import NOW, SCHOOL


def new_key(
    types: frozenset[str] | None = None, schools: frozenset[str] | None = frozenset({SCHOOL})
) -> tuple[ApiKey, str]:
    expires_at = NOW + timedelta(days=400)
    return mint("soumu", schools=schools, types=types, now=NOW, expires_at=expires_at)


def secret_of(token: str) -> bytes:
    parts = split(f"Bearer {token}")
    assert parts is not None
    return parts[1]


def test_a_fresh_key_opens_the_door_with_its_scope() -> None:
    key, token = new_key()
    grant = verdict(key, secret_of(token), NOW)
    assert grant == Grant("soumu", frozenset({SCHOOL}), None, clock=False)
    assert key.live(NOW)


def test_only_the_hash_of_256_bits_is_kept() -> None:
    key, token = new_key()
    assert len(secret_of(token)) == 32
    assert key.secret_sha256 == sha256(secret_of(token)).digest()
    assert token.split("_")[2] not in repr(key)


def test_two_keys_are_never_the_same() -> None:
    assert len({new_key()[1] for _ in range(50)}) == 50


@pytest.mark.parametrize("offset_bits", [0, 255])
def test_a_secret_off_by_one_bit_is_unknown(offset_bits: int) -> None:
    key, token = new_key()
    wrong = (int.from_bytes(secret_of(token), "big") ^ (1 << offset_bits)).to_bytes(32, "big")
    assert verdict(key, wrong, NOW) is Denied.unknown
    assert verdict(None, wrong, NOW) is Denied.unknown


def test_revoked_and_expired_are_told_only_to_who_knows_the_secret() -> None:
    key, token = new_key()
    revoked = replace(key, revoked_at=NOW)
    assert verdict(revoked, secret_of(token), NOW) is Denied.revoked
    assert verdict(key, secret_of(token), NOW + timedelta(days=400)) is Denied.expired
    assert verdict(revoked, bytes(32), NOW) is Denied.unknown


def test_the_clock_needs_its_own_scope() -> None:
    key, token = new_key(every_type(), None)
    grant = verdict(key, secret_of(token), NOW)
    assert isinstance(grant, Grant)
    assert grant.clock
    assert grant.allows("clock-advanced")
    assert not Grant("soumu").allows("clock-advanced")
    assert Grant("soumu").allows("attendance-recorded")


def test_staff_and_erasure_need_a_scope_of_their_own() -> None:
    usual, _ = new_key(schools=None)
    assert {name for name in RECORD_TYPES if not usual.grant().allows(name)} == EXPLICIT_TYPES
    given, _ = new_key(usual_types() | {"staff-registered"}, None)
    assert {name for name in RECORD_TYPES if not given.grant().allows(name)} == EXPLICIT_TYPES - {
        "staff-registered"
    }


def test_a_key_of_a_school_has_nothing_that_is_of_no_school() -> None:
    key, _ = new_key()
    assert {name for name in RECORD_TYPES if not key.grant().allows(name)} == EXPLICIT_TYPES | UNLIMITED_TYPES
    for name in UNLIMITED_TYPES:
        with pytest.raises(KeyRefused, match=name):
            new_key(frozenset({name}))
        older = replace(key, types=frozenset({name}))  # made before that was refused
        assert not older.grant().allows(name)
    assert new_key(frozenset({"staff-assigned"}))[0].grant().allows("staff-assigned")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic kz_00_11", "Bearer kz_zz_yy"])
def test_other_headers_are_no_key(header: str) -> None:
    assert split(header) is None


@pytest.mark.parametrize("source", ["", "Soumu", "校務", "a", "door", "a" * 41, "a_b", "-a"])
def test_a_source_has_a_part_name(source: str) -> None:
    with pytest.raises(KeyRefused):
        mint(source, schools=None, types=None, now=NOW, expires_at=NOW + timedelta(days=1))


def test_types_and_expiry_must_make_sense() -> None:
    with pytest.raises(KeyRefused):
        mint(
            "soumu", schools=None, types=frozenset({"risk-assessed"}), now=NOW, expires_at=NOW + timedelta(1)
        )
    with pytest.raises(KeyRefused):
        mint("soumu", schools=None, types=None, now=NOW, expires_at=NOW)
