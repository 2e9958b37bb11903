"""An answer waits until its request has arrived: who is still sending would lose it with the connection.

A server that answers early closes the connection sooner or later; what the caller then sends is met
by a reset, which throws away the answer that he has not read yet. So the rest is read and dropped,
within bounds, before the first byte of the answer.
"""

import asyncio

from starlette.types import Message, Receive, Scope, Send

from services.ingest.settings import MAX_BODY_BYTES, MAX_BODY_SECONDS

#: What is read and dropped for one answer, at most.
MAX_REST_BYTES = 4 * MAX_BODY_BYTES


class Arrival:
    """One request: gives its messages on, and knows whether all of it has come."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        #: A caller who asked for leave to send its body, and was not given it, sends nothing more.
        self._ended = any(name == b"expect" for name, _ in scope["headers"])

    async def receive(self) -> Message:
        """The next message of the request."""
        message = await self._receive()
        self._ended = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """A message of the answer."""
        if message["type"] == "http.response.start" and not self._ended:
            await self._drop_rest()
        await self._send(message)

    async def _drop_rest(self) -> None:
        left = MAX_REST_BYTES
        try:
            async with asyncio.timeout(MAX_BODY_SECONDS):
                while not self._ended and left > 0:
                    left -= len((await self.receive()).get("body", b""))
        except TimeoutError:
            return
