"""The window task's records as messages, for every contender that reads JSON into types."""

import msgspec


class Mark(msgspec.Struct, frozen=True, gc=False):
    """A child's day."""

    child: str
    day: int
    absent: int


class Counted(msgspec.Struct, frozen=True, gc=False):
    """What is told of it."""

    child: str
    day: int
    last5: int
    last10: int
    last20: int
