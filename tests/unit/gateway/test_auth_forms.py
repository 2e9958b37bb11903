"""Passwords, forged requests, host names: pure checks."""

from __future__ import annotations

import pytest
from argon2 import Type, extract_parameters

from services.gateway import forgery
from services.gateway.at_front import local_path
from services.gateway.doors import BadInput
from services.gateway.headers import host_name
from services.gateway.passwords import Passwords, check_strength


@pytest.mark.parametrize(
    "password", ["", "short", "x" * 300, "aaaaaaaaaaaaaaa", "passwordpassword", "homeroom-sato-2025"]
)
def test_weak_passwords(password: str) -> None:
    with pytest.raises(BadInput):
        check_strength(password, "sato")


@pytest.mark.parametrize("password", ["correct horse battery", "長い日本語の合言葉を使います"])
def test_good_passwords(password: str) -> None:
    check_strength(password, "sato")


async def test_argon2id_with_enough_memory() -> None:
    passwords = Passwords()
    stored = await passwords.hash("correct horse battery")
    found = extract_parameters(stored)
    assert found.type is Type.ID
    assert found.memory_cost >= 19 * 1024
    assert await passwords.matches(stored, "correct horse battery")
    assert not await passwords.matches(stored, "correct horse batterx")
    assert not await passwords.matches(None, "correct horse battery")
    assert not await passwords.matches("no hash at all", "correct horse battery")


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "http://h:1", "host": "h:1"}, False),
        ({"origin": "http://h:1", "host": "h:1"}, True),
        ({"origin": "http://h:2", "host": "h:1"}, False),
        ({"origin": "null", "host": "h:1"}, False),
    ],
)
def test_origin(headers: dict[str, str], ours: bool) -> None:
    assert forgery.own_origin(headers) is ours


def test_tokens() -> None:
    token = forgery.pre_token(b"key", "cookie")
    assert forgery.same(token, token)
    assert not forgery.same(token, None)
    assert not forgery.same("", "")
    assert token != forgery.pre_token(b"key", "other")
    assert token != forgery.pre_token(b"other", "cookie")


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil", "", "x", "/a\nb"])
def test_nobody_is_sent_elsewhere(path: str) -> None:
    assert local_path(path) == "/"


def test_own_paths_stay() -> None:
    assert local_path("/classes/A?x=1") == "/classes/A?x=1"


@pytest.mark.parametrize(
    ("header", "name"),
    [("127.0.0.1:8000", "127.0.0.1"), ("LOCALHOST", "localhost"), ("[::1]:80", "::1"), ("", "")],
)
def test_host_name(header: str, name: str) -> None:
    assert host_name(header) == name
