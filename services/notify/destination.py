"""Where a webhook may go: https, never into a private network unless its host is listed.

The address that was checked is the address that is called: a name that answers differently a
moment later leads nowhere else.
"""

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import httpx

Resolve = Callable[[str, int], list[str]]


class ForbiddenDestination(ValueError):
    """The configured address may not be called; the text says why."""


@dataclass(frozen=True, slots=True)
class Destination:
    """What to call: ``url`` holds the checked address, ``host`` and ``server_name`` the name asked for."""

    url: str
    host: str
    server_name: str | None = None


def check(url: str, private_hosts: frozenset[str]) -> None:
    """Whether the address may be configured at all.

    Raises:
        ForbiddenDestination: cannot be read, not https and not listed, without a host, or with credentials in it.
    """
    try:
        httpx.URL(url)
        parts = urlsplit(url)
        _ = parts.port, (parts.hostname or "").encode("idna")
    except (ValueError, httpx.InvalidURL):
        raise ForbiddenDestination("the webhook address cannot be read") from None
    if not parts.hostname or parts.scheme not in ("https", "http"):
        raise ForbiddenDestination("the webhook address must be https://host/…")
    if parts.username is not None or parts.password is not None:
        raise ForbiddenDestination("the webhook address must not hold credentials")
    if parts.scheme != "https" and parts.hostname not in private_hosts:
        raise ForbiddenDestination("the webhook address must be https, or its host listed as private")


def resolve(host: str, port: int) -> list[str]:
    """Addresses of a host.

    Raises:
        OSError: the name has none.
    """
    return [str(answer[4][0]) for answer in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def find(url: str, private_hosts: frozenset[str], resolver: Resolve = resolve) -> Destination:
    """The checked destination; blocks while the name is looked up.

    Raises:
        ForbiddenDestination: see :func:`check`, or an address of the host is not a public one.
        OSError: the name has no address.
    """
    check(url, private_hosts)
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in private_hosts:
        return Destination(url, parts.netloc)
    addresses = resolver(host, parts.port or 443)
    if not addresses or not all(_is_public(address) for address in addresses):
        raise ForbiddenDestination("the webhook host has a private address and is not listed")
    return Destination(_at(parts, addresses[0]), parts.netloc, host)


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    return found.is_global and not found.is_multicast


def _at(parts: SplitResult, address: str) -> str:
    shown = f"[{address}]" if ":" in address else address
    return parts._replace(netloc=f"{shown}:{parts.port}" if parts.port else shown).geturl()
