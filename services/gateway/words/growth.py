"""When a count may be said to have grown: the last 10 school days beside the 20 before."""

from contracts.features import InfirmaryEvidence, LatenessEvidence


def before(evidence: LatenessEvidence | InfirmaryEvidence) -> int:
    """What the 20 school days before held."""
    return evidence.previous_late if isinstance(evidence, LatenessEvidence) else evidence.previous_visits


def grew(evidence: LatenessEvidence | InfirmaryEvidence) -> bool:
    """Whether the daily rate of the 10 days is above that of the 20 days."""
    return 2 * len(evidence.dates) > before(evidence)
