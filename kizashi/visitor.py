"""A person's browser without a screen: signs in, listens for "changed", fetches by the audited route."""

import time
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from typing import Any

import httpx


class Visitor:
    """One signed-in session at the gateway.

    The session cookie is Secure; browsers keep it on http://127.0.0.1 all the same, so it is carried by hand.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.AsyncClient(base_url=url, timeout=30.0, trust_env=False)
        self._headers: dict[str, str] = {}

    async def sign_in(self, name: str, password: str) -> None:
        """Sign in.

        Raises:
            PermissionError: the gateway does not let us in.
        """
        answer = await self._client.post("/v1/session", json={"name": name, "password": password})
        if answer.status_code != 204:
            raise PermissionError(f"sign-in was answered with {answer.status_code}")
        cookies: SimpleCookie = SimpleCookie()
        for header in answer.headers.get_list("set-cookie"):
            cookies.load(header)
        self._headers["cookie"] = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
        self._headers["x-csrf-token"] = (await self.get("/v1/session"))["csrf"]

    async def get(self, path: str) -> Any:
        """An audited read.

        Raises:
            httpx.HTTPStatusError: refused.
        """
        try:
            answer = await self._client.get(path, headers=self._headers)
        except (
            httpx.RemoteProtocolError
        ):  # an idle connection that the server was just closing; browsers ask again
            answer = await self._client.get(path, headers=self._headers)
        answer.raise_for_status()
        return answer.json()

    async def text(self, path: str) -> str:
        """A page as the browser gets it.

        Raises:
            httpx.HTTPStatusError: refused.
        """
        answer = await self._client.get(path, headers=self._headers)
        return answer.raise_for_status().text

    async def post(self, path: str, body: Any = None) -> None:
        """An unsafe method with the CSRF token.

        Raises:
            httpx.HTTPStatusError: refused.
        """
        answer = await self._client.post(path, json=body, headers=self._headers)
        answer.raise_for_status()

    async def submit(self, path: str, fields: dict[str, str]) -> None:
        """A form of a page, with the CSRF token.

        Raises:
            httpx.HTTPStatusError: refused.
        """
        answer = await self._client.post(path, data=fields, headers=self._headers)
        if not answer.is_redirect:
            answer.raise_for_status()

    async def board(self) -> dict[str, Any]:
        """My alerts."""
        board: dict[str, Any] = await self.get("/v1/board")
        return board

    async def changes(self) -> AsyncIterator[float]:
        """Yield the monotonic time of each "changed" signal."""
        async with self._client.stream("GET", "/events", headers=self._headers, timeout=None) as stream:
            stream.raise_for_status()
            async for line in stream.aiter_lines():
                if line.startswith("data: changed"):
                    yield time.monotonic()

    async def close(self) -> None:
        """Disconnect."""
        await self._client.aclose()


def cards(board: dict[str, Any]) -> list[dict[str, Any]]:
    """All alert cards of a board, open and held."""
    return [
        card for value in board.values() if isinstance(value, list) for card in value if "alert_id" in card
    ]
