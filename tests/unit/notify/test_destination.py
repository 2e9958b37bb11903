"""Where a webhook may go."""

from __future__ import annotations

import pytest

from services.notify.destination import Destination, ForbiddenDestination, Resolve, check, find

NONE: frozenset[str] = frozenset()
LISTED = frozenset({"thermo.school.internal", "127.0.0.1"})


def always(addresses: list[str]) -> Resolve:
    """A name service with one answer."""
    return lambda host, port: addresses


@pytest.mark.parametrize(
    "url",
    [
        "",
        "thermo.example.jp/hook",
        "http://thermo.example.jp/hook",
        "ftp://thermo.example.jp/hook",
        "file:///etc/passwd",
        "https:///hook",
        "https://user:pass@thermo.example.jp/hook",
        "https://thermo.example.jp:99999/hook",
        f"https://{'a' * 64}.example.jp/",
        "http://127.0.0.1.example.jp/",
        "https://[::1/hook",
    ],
)
def test_an_address_that_may_not_even_be_configured(url: str) -> None:
    with pytest.raises(ForbiddenDestination):
        check(url, LISTED)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.10",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:127.0.0.1",
    ],
)
def test_a_private_address_is_refused_even_beside_a_public_one(address: str) -> None:
    for answers in ([address], ["203.0.114.7", address], [address, "203.0.114.7"]):
        with pytest.raises(ForbiddenDestination):
            find("https://thermo.example.jp/hook", NONE, always(answers))


def test_a_host_without_an_address_is_refused() -> None:
    with pytest.raises(ForbiddenDestination):
        find("https://thermo.example.jp/hook", NONE, always([]))


@pytest.mark.parametrize(
    ("url", "address", "called"),
    [
        ("https://thermo.example.jp/hook?a=1", "203.0.114.7", "https://203.0.114.7/hook?a=1"),
        ("https://thermo.example.jp:8443/hook", "203.0.114.7", "https://203.0.114.7:8443/hook"),
        ("https://thermo.example.jp/", "2001:4860::8888", "https://[2001:4860::8888]/"),
    ],
)
def test_the_address_that_was_checked_is_the_address_that_is_called(
    url: str, address: str, called: str
) -> None:
    asked: list[tuple[str, int]] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return [address]

    netloc = url.split("/")[2]
    assert find(url, NONE, resolver) == Destination(called, netloc, "thermo.example.jp")
    assert asked == [("thermo.example.jp", 8443 if "8443" in url else 443)]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/hook", "https://thermo.school.internal/hook"])
def test_a_listed_host_is_called_as_it_is_written(url: str) -> None:
    assert find(url, LISTED, always([])) == Destination(url, url.split("/")[2])
