"""How cards stand on the board: by level, the most urgent first; what each needs of a reader."""

from collections.abc import Sequence
from itertools import groupby

from contracts.codes import Band, Item
from services.gateway.views import AlertCard, AlertStatus

_ENDED = (AlertStatus.closed, AlertStatus.ended, AlertStatus.retracted)


def by_level(cards: Sequence[AlertCard]) -> list[tuple[Band, list[AlertCard]]]:
    """Cards grouped by level, most urgent first; within a level the order given."""
    ordered = sorted(cards, key=lambda card: -card.level)
    return [(level, list(group)) for level, group in groupby(ordered, key=lambda card: card.level)]


def untouched(card: AlertCard) -> bool:
    """Nobody has acknowledged it yet."""
    return card.status in (AlertStatus.new, AlertStatus.seen)


def waiting(cards: Sequence[AlertCard]) -> int:
    """How many cards nobody has acknowledged yet."""
    return sum(1 for card in cards if untouched(card))


def ended(card: AlertCard) -> bool:
    """Closed or withdrawn."""
    return card.status in _ENDED


def items(card: AlertCard) -> list[Item]:
    """What the reasons on a card stand on, each once."""
    return list(dict.fromkeys(reason.item for reason in card.reasons))


def level_name(level: Band) -> str:
    """The key part of a level: soon, check, watch."""
    return level.name
