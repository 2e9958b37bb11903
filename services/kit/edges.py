"""The receiving end of reconciliation: what the running numbers of upstream lanes tell."""

from collections.abc import Sequence

from services.kit import metrics


def follow(consumer: str, seen: dict[str, int], edges: Sequence[str]) -> dict[str, int]:
    """Follow each upstream lane's running number: a repeat is a re-sent event, a jump is a lost one."""
    duplicates = holes = 0
    for edge in edges:
        lane, _, number = edge.rpartition("#")
        if not (lane and number.isdecimal()):
            continue
        last, now = seen.get(lane, 0), int(number)
        if now <= last:
            duplicates += 1
        else:
            holes += now - last - 1 if last else 0
            seen[lane] = now
    if duplicates:
        metrics.EDGE.labels(consumer, "duplicate").inc(duplicates)
    if holes:
        metrics.EDGE.labels(consumer, "hole").inc(holes)
    return seen
