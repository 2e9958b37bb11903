"""Files to the service: read, batch, send, list what was not taken. Streaming: one batch is held at a time."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from contracts.envelope import type_of
from kizashi.publish.entries import Bad, Entry, Made, Reader, Ready, Unreadable
from kizashi.publish.error_list import ErrorList
from kizashi.publish.reasons import Reason
from kizashi.publish.sending import Refusal, Sender

MAX_ITEMS = 500
MAX_BYTES = 1_500_000


@dataclass(slots=True)
class Report:
    """What became of the files. ``read = accepted + refused`` unless nothing was sent.

    ``told``: whether operators were told of what could not be read.
    """

    read: int = 0
    accepted: int = 0
    refused: int = 0
    types: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    told: bool = True

    @property
    def exit_code(self) -> int:
        """0 when everything was taken, 1 when something was refused."""
        return 1 if self.refused else 0


Item = tuple[Made | Ready, bytes]


class Publishing:
    """One run over one reader. Without a sender nothing leaves the machine: a rehearsal."""

    def __init__(
        self, sender: Sender | None, source: str, errors: ErrorList, advance: Callable[[int], None]
    ) -> None:
        self._sender = sender
        self._source = source
        self._errors = errors
        self._advance = advance
        self._unread: Counter[str] = Counter()
        self.report = Report()

    def run(self, reader: Reader) -> Report:
        """Everything, from the first row to the last.

        Raises:
            Unreadable: the files as a whole cannot be read.
            SendingFailed: the service cannot be reached or does not let us in.
        """
        try:
            for batch in self._batches(reader.entries()):
                self._send(batch)
                self._advance(len(batch))
        except Unreadable as problem:
            if problem.code is not None:
                self._unread[problem.code.value] += 1
            self._tell()
            raise
        self._tell()
        return self.report

    def _tell(self) -> None:
        """Operators see what never reached the service."""
        if self._sender is not None and self._unread:
            self.report.told = self._sender.tell_unread(self._unread)

    def _batches(self, entries: Iterator[Entry]) -> Iterator[list[Item]]:
        batch: list[Item] = []
        size = 0
        for entry in entries:
            self.report.read += 1
            if isinstance(entry, Bad):
                self._refuse(entry)
                continue
            event = entry.event(self._source)
            if batch and (len(batch) >= MAX_ITEMS or size + len(event) > MAX_BYTES):
                yield batch
                batch, size = [], 0
            batch.append((entry, event))
            size += len(event) + 1
        if batch:
            yield batch

    def _refuse(self, bad: Bad) -> None:
        self._errors.add(bad.place, bad.column, bad.reason)
        self.report.refused += 1
        self.report.codes[bad.reason.code] += 1
        self._unread[bad.reason.code] += 1
        self._advance(1)

    def _send(self, batch: list[Item]) -> None:
        for entry, _ in batch:
            self.report.types[type_of(entry.body) if isinstance(entry, Made) else "event"] += 1
        if self._sender is None:
            return
        outcome = self._sender.send([event for _, event in batch])
        self.report.accepted += outcome.accepted
        self.report.retries = self._sender.retries
        for refusal in outcome.refused:
            self._refused(batch[refusal.index][0], refusal)

    def _refused(self, entry: Made | Ready, told: Refusal) -> None:
        reason = Reason(told.code, told.reason_ja, told.reason_en, told.mend_ja, told.mend_en)
        self._errors.add(entry.place, told.pointer, reason)
        self.report.refused += 1
        self.report.codes[told.code] += 1
