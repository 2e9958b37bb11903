"""The window task itself: how many of a child's last 5, 10 and 20 school days were absences.

Only the standard library: every contender runs it, each in an environment of its own. A school day is a number;
a child's state is the newest one and a bit for each of the twenty up to it, the newest lowest.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

SPANS = (5, 10, 20)
_KEPT = (1 << max(SPANS)) - 1
PARTITIONS = 12


@dataclass(frozen=True)
class Order:
    """What a contender's process is told, in a private file: the password is on no command line."""

    bootstrap: str
    user: str
    password: str
    group: str
    source: str
    target: str
    folder: str

    def librdkafka(self) -> dict[str, str]:
        """The sign-in as librdkafka names it."""
        return {
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-256",
            "sasl.username": self.user,
            "sasl.password": self.password,
        }


def order_given() -> Order:
    """The order in the file that the command line names."""
    return Order(**json.loads(Path(sys.argv[1]).read_text("utf-8")))


def marked(newest: int, absences: int, day: int, absent: int) -> tuple[int, int]:
    """The state after a day is known; what is older than the window changes nothing.

    Args:
        newest, absences: the state before; (-1, 0) for a child nobody has heard of.
        absent: 1 or 0.
    """
    if day > newest:
        return day, (absences << min(day - newest, max(SPANS)) & _KEPT) | absent
    bit = 1 << (newest - day)
    return newest, ((absences & ~bit) | (bit if absent else 0)) & _KEPT


def counted(absences: int) -> tuple[int, int, int]:
    """Absences in the last 5, 10 and 20 school days."""
    five, ten, twenty = (absences & ((1 << span) - 1) for span in SPANS)
    return five.bit_count(), ten.bit_count(), twenty.bit_count()


# --- the records: made up, and so is the truth about them ---


def child_name(number: int) -> str:
    """The key of a child."""
    return f"{number:032x}"


def absent_on(number: int, day: int) -> int:
    """1 on about a thirteenth of the days."""
    return int((number * 31 + day * 17 + number * day) % 13 == 0)


def truth(number: int, day: int) -> tuple[int, int, int]:
    """What the counts must be after ``day``, counted without any state."""
    days = [absent_on(number, day - back) if back <= day else 0 for back in range(max(SPANS))]
    return sum(days[:5]), sum(days[:10]), sum(days)
