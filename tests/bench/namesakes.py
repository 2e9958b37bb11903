"""What linking costs a child when everybody has the same name: a thousand namesakes beside eight thousand.

    python -m tests.bench.namesakes

Two sources register the same children; a birth date is shared by eleven of a thousand. The pairs to be judged grow
with the children as long as the days do; a ratio far above one says that the work grows faster than the pairs.
"""

import time
from datetime import date, timedelta

from contracts.records import PersonNames
from services.identity.linkage import Registered, link

SMALL, LARGE = 1_000, 8_000
_A_DAY = 11
_NAMES = [PersonNames("不二", "一", "フジ", "ハジメ")]
_FIRST = date(2008, 4, 2)


def _namesakes(count: int) -> list[Registered]:
    return [
        Registered(
            f"{source}{n}".encode(), source, f"{source}-{n}", _NAMES, _FIRST + timedelta(days=n // _A_DAY)
        )
        for source in ("office", "survey")
        for n in range(count)
    ]


def seconds_per_child(count: int) -> float:
    """Processor time of linking ``count`` namesakes of each of two sources, by child; the best of three."""
    members = _namesakes(count)
    took = []
    for _ in range(3):
        began = time.process_time()
        link(members)
        took.append(time.process_time() - began)
    return min(took) / count


def main() -> None:
    """Print both and the ratio."""
    small, large = seconds_per_child(SMALL), seconds_per_child(LARGE)
    print(f"{SMALL:,} namesakes: {1e6 * small:.0f} us a child")
    print(f"{LARGE:,} namesakes: {1e6 * large:.0f} us a child")
    print(f"ratio {large / small:.2f} (1.00: the work grows as the children do)")


if __name__ == "__main__":
    main()
