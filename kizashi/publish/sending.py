"""Batches over HTTP: sent again until answered, because a second copy is the same event."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

BATCH = "application/cloudevents-batch+json"
#: Answers that mean "the same again, later".
_LATER = frozenset({429, 502, 503, 504})
MAX_ATTEMPTS = 8
MAX_PAUSE_SECONDS = 15.0
#: Rows of one code that operators are told of; more would say no more.
MAX_TOLD = 1_000


class SendingFailed(Exception):
    """Nothing more can be sent; the text is for people and holds no key and no value of a record."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that the service refused, as it told us."""

    index: int
    pointer: str
    code: str
    reason_ja: str
    reason_en: str
    mend_ja: str
    mend_en: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch."""

    accepted: int
    refused: list[Refusal]


def _pause_seconds(attempt: int, retry_after: str, draw: Callable[[], float]) -> float:
    """Doubles from half a second, with jitter; never shorter than the service asked for."""
    asked = float(retry_after) if retry_after.isdigit() else 0.0
    doubled = 0.5 * float(2**attempt) * (0.5 + draw() / 2)
    return min(max(asked, doubled), MAX_PAUSE_SECONDS)


def _explain(response: httpx.Response) -> str:
    """What the service says of a request that it refuses as a whole."""
    try:
        body = response.json()
        lines = [str(body[name]) for name in ("title", "title_en", "mend_ja", "mend_en")]
        return f"HTTP {response.status_code}\n  " + "\n  ".join(lines)
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status_code}: ingest の応答ではありません / this is no answer of ingest"


def _refusals(told: Sequence[dict[str, Any]]) -> list[Refusal]:
    names = ("pointer", "code", "reason_ja", "reason_en", "mend_ja", "mend_en")
    return [Refusal(int(each["index"]), *(str(each.get(name, "")) for name in names)) for each in told]


class Sender:
    """Sends batches of events to one ingest service."""

    def __init__(
        self,
        client: httpx.Client,
        url: str,
        key: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._url = url.rstrip("/") + "/v1/events"
        self._refusals_url = url.rstrip("/") + "/v1/refusals"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": BATCH}
        self._sleep = sleep
        self._draw = draw
        self.retries = 0

    def send(self, events: Sequence[bytes]) -> Outcome:
        """Send a batch and wait until it is stored, or told why not.

        Raises:
            SendingFailed: the service cannot be reached, or does not let us in.
        """
        response = self._until_answered(b"[" + b",".join(events) + b"]")
        if response.status_code == 413 and len(events) > 1:
            return self._halves(events)
        if response.status_code in (202, 422):
            body = response.json()
            if "accepted" in body:
                return Outcome(int(body["accepted"]), _refusals(body["refused"]))
        raise SendingFailed(_explain(response))

    def tell_unread(self, codes: Mapping[str, int]) -> bool:
        """Let operators know how many rows and files could not be read, by code; whether that was taken.

        Tried once: what became of the records does not hang on it.
        """
        refused = {code: min(count, MAX_TOLD) for code, count in codes.items()}
        headers = {**self._headers, "Content-Type": "application/json"}
        try:
            answer = self._client.post(self._refusals_url, json={"refused": refused}, headers=headers)
        except httpx.TransportError:
            return False
        return answer.status_code == 202

    def _halves(self, events: Sequence[bytes]) -> Outcome:
        middle = len(events) // 2
        first, second = self.send(events[:middle]), self.send(events[middle:])
        moved = [
            Refusal(each.index + middle, *(getattr(each, name) for name in Refusal.__slots__[1:]))
            for each in second.refused
        ]
        return Outcome(first.accepted + second.accepted, [*first.refused, *moved])

    def _until_answered(self, body: bytes) -> httpx.Response:
        last = ""
        for attempt in range(MAX_ATTEMPTS):
            retry_after = ""
            try:
                response = self._client.post(self._url, content=body, headers=self._headers)
            except httpx.TransportError as error:
                last = f"接続できません / cannot connect ({type(error).__name__})"
            else:
                if response.status_code not in _LATER:
                    return response
                last = _explain(response)
                retry_after = response.headers.get("retry-after", "")
            self.retries += 1
            self._sleep(_pause_seconds(attempt, retry_after, self._draw))
        raise SendingFailed(f"{MAX_ATTEMPTS}回試しました / tried {MAX_ATTEMPTS} times: {last}")
