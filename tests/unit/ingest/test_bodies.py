from __future__ import annotations

import gzip
import zlib

import pytest

from services.ingest.bodies import unpack
from services.ingest.guard import host_name
from services.ingest.problems import MEDIA_TYPE, Problem, TurnedAway, answer

LIMIT_BYTES = 10_000


def problem_of(body: bytes) -> Problem:
    with pytest.raises(TurnedAway) as caught:
        unpack(body, LIMIT_BYTES)
    return caught.value.problem


def test_gzip_is_undone_up_to_the_limit() -> None:
    assert unpack(gzip.compress(b"x" * LIMIT_BYTES), LIMIT_BYTES) == b"x" * LIMIT_BYTES
    assert problem_of(gzip.compress(b"x" * (LIMIT_BYTES + 1))) is Problem.too_large


def test_a_gzip_bomb_is_not_unpacked() -> None:
    machine = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(machine.compress(bytes(1 << 20)) for _ in range(200)) + machine.flush()
    assert len(bomb) < 300_000
    assert problem_of(bomb) is Problem.too_large


def test_what_is_no_gzip_is_refused() -> None:
    assert problem_of(b"hello") is Problem.bad_gzip
    assert problem_of(gzip.compress(b"x" * 100)[:-5]) is Problem.bad_gzip
    assert problem_of(gzip.compress(b"x") + b"more") is Problem.bad_gzip


@pytest.mark.parametrize("problem", list(Problem), ids=lambda each: each.name)
def test_every_problem_is_told_in_both_languages(problem: Problem) -> None:
    response = answer(problem)
    assert response.status_code == problem.status
    assert response.media_type == MEDIA_TYPE
    assert any(ord(c) > 0x3000 for c in problem.title)
    assert problem.title_en.isascii()
    assert problem.mend_ja and problem.mend_en


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost:8080", "localhost"),
        ("LOCALHOST", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]:80", "[::1]"),
        ("[::1]", "[::1]"),
        ("evil.example:8080", "evil.example"),
        ("localhost:evil", "localhost:evil"),
        ("", ""),
    ],
)
def test_host_names_lose_their_port_only(header: str, name: str) -> None:
    assert host_name(header) == name
