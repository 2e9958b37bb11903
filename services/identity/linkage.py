"""Which registrations of different sources are one child: a pure function of all of them.

Because it is a function of the set and not of the order of arrival, a link that later evidence
contradicts is undone by the same computation that made it. A false link shows one child's records
under another's name, a missing one only splits a history: so whatever is not certain stays apart,
under an ID of its own, and goes to review. Two pupils of one source are never linked.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from itertools import combinations
from typing import NamedTuple

from msgspec import Struct

from contracts.codes import Sex
from contracts.records import PersonNames
from services.identity.names import Agreement, compare_written, loses_only_marks, reading, usable_birth


class Verdict(StrEnum):
    """What follows from comparing two registrations."""

    certain = "certain"
    doubtful = "doubtful"
    none = "none"


class Reason(StrEnum):
    """Evidence for or against two registrations being one child; weights are log2 odds."""

    birth_date = "birth_date"
    kana_same = "kana_same"
    kana_folded = "kana_folded"
    kana_swapped = "kana_swapped"
    written_same = "written_same"
    written_different = "written_different"
    sex_different = "sex_different"
    same_source = "same_source"
    rival = "rival"  # another registration fits as well


#: log2 of how much likelier the observation is for one child than for two, in a city of 12,000
#: pupils: a birth date is shared by 1 in ~3,300 (nine school years), a full reading by 1 in ~8,000.
WEIGHTS: dict[Reason, float] = {
    Reason.birth_date: 11.7,
    Reason.kana_same: 13.0,
    Reason.kana_folded: 12.0,
    Reason.kana_swapped: 10.0,
    Reason.written_same: 6.0,
    Reason.written_different: -4.5,
    Reason.sex_different: -6.0,
}
#: log2 odds that two registrations drawn at random are one child: 1 in 12,000.
PRIOR = -13.6
#: From here on a link is made without a person: at most one false link in ~1,000.
CERTAIN = 10.0


class Registered(Struct, frozen=True):
    """One source's registration of a child, newest version."""

    pupil_key: bytes
    source: str
    minted_id: str
    names: list[PersonNames]
    birth_date: date
    sex: Sex = Sex.unspecified


class Judgement(NamedTuple):
    """How two registrations compare. ``score`` is in log2 odds; 0 means as likely as not."""

    verdict: Verdict
    score: float
    reasons: tuple[Reason, ...]


class Review(NamedTuple):
    """A pair that a person should look at; ``left < right``."""

    left: bytes
    right: bytes
    judgement: Judgement


class Link(NamedTuple):
    """A child's linkage ID, and why this registration has it (no reasons: it stands alone)."""

    linkage_id: str
    score: float
    reasons: tuple[Reason, ...]


class Links(NamedTuple):
    """The outcome for a set of registrations that may concern each other."""

    by_pupil: dict[bytes, Link]
    reviews: list[Review]


_NONE = Judgement(Verdict.none, PRIOR, ())


def judge(one: Registered, other: Registered) -> Judgement:
    """Compare two registrations on the pair of their names that agrees best."""
    if one.birth_date != other.birth_date or not usable_birth(one.birth_date):
        return _NONE
    kana = _best_kana(one.names, other.names)
    if kana is None:
        return _NONE
    reasons = [Reason.birth_date, kana, *_written(one.names, other.names)]
    if Sex.unspecified not in (one.sex, other.sex) and one.sex != other.sex:
        reasons.append(Reason.sex_different)
    score = PRIOR + sum(WEIGHTS[reason] for reason in reasons)
    if one.source == other.source:
        return Judgement(Verdict.doubtful, score, (*reasons, Reason.same_source))
    return Judgement(Verdict.certain if score >= CERTAIN else Verdict.doubtful, score, tuple(reasons))


def link(members: Sequence[Registered]) -> Links:
    """Link registrations that may concern each other.

    Args:
        members: every registration that shares a name key with another member, each once.
    """
    judged = _judge_all(members)
    kept = _one_to_one(judged, {member.pupil_key: member for member in members})
    ids = {key: each for group in _groups(members, kept) for key, each in _ids(group).items()}
    by_pupil = _explained(ids, judged)
    return Links(by_pupil, _reviews(judged, by_pupil))


Pair = tuple[bytes, bytes]


def _judge_all(members: Sequence[Registered]) -> dict[Pair, Judgement]:
    by_birth: defaultdict[date, list[Registered]] = defaultdict(list)
    for member in sorted(members, key=lambda m: m.pupil_key):
        by_birth[member.birth_date].append(member)
    judged = {}
    for group in by_birth.values():
        for left, right in combinations(group, 2):
            judgement = judge(left, right)
            if judgement.verdict is not Verdict.none:
                judged[left.pupil_key, right.pupil_key] = judgement
    return judged


def _one_to_one(judged: dict[Pair, Judgement], members: dict[bytes, Registered]) -> list[Pair]:
    """Certain pairs, less those where another pupil of the same source fits as well or better."""
    best: defaultdict[tuple[bytes, str], list[float]] = defaultdict(list)
    for (left, right), judgement in judged.items():
        best[left, members[right].source].append(judgement.score)
        best[right, members[left].source].append(judgement.score)

    def leads(pupil: bytes, source: str, score: float) -> bool:
        scores = best[pupil, source]
        return score == max(scores) and scores.count(score) == 1

    return [
        (left, right)
        for (left, right), judgement in judged.items()
        if judgement.verdict is Verdict.certain
        and leads(left, members[right].source, judgement.score)
        and leads(right, members[left].source, judgement.score)
    ]


def _groups(members: Sequence[Registered], pairs: Iterable[Pair]) -> list[list[Registered]]:
    leader = {member.pupil_key: member.pupil_key for member in members}

    def find(key: bytes) -> bytes:
        while leader[key] != key:
            leader[key] = key = leader[leader[key]]
        return key

    for left, right in pairs:
        leader[find(left)] = find(right)
    groups: defaultdict[bytes, list[Registered]] = defaultdict(list)
    for member in members:
        groups[find(member.pupil_key)].append(member)
    return list(groups.values())


def _sources_differ(group: Sequence[Registered]) -> bool:
    return len({member.source for member in group}) == len(group)


def _ids(group: Sequence[Registered]) -> dict[bytes, str]:
    """By pupil key: the smallest minted ID, or each its own where two pupils of one source would meet."""
    if not _sources_differ(group):
        return {member.pupil_key: member.minted_id for member in group}
    kept = min(member.minted_id for member in group)
    return {member.pupil_key: kept for member in group}


def _explained(ids: dict[bytes, str], judged: dict[Pair, Judgement]) -> dict[bytes, Link]:
    """Each registration says by which comparison it belongs: one pass over the pairs, however many groups."""
    best = {key: Link(linkage_id, 0.0, ()) for key, linkage_id in ids.items()}
    for (left, right), judgement in judged.items():
        if ids[left] == ids[right] and judgement.verdict is Verdict.certain:
            for key in (left, right):
                if judgement.score > best[key].score:
                    best[key] = Link(ids[key], judgement.score, judgement.reasons)
    return best


def _reviews(judged: dict[Pair, Judgement], links: dict[bytes, Link]) -> list[Review]:
    """Pairs that looked alike and were not linked."""
    found = []
    for (left, right), judgement in judged.items():
        if links[left].linkage_id != links[right].linkage_id:
            if judgement.verdict is Verdict.certain:
                judgement = Judgement(Verdict.doubtful, judgement.score, (*judgement.reasons, Reason.rival))
            found.append(Review(left, right, judgement))
    return found


def _best_kana(one: Iterable[PersonNames], other: Iterable[PersonNames]) -> Reason | None:
    found = {_compare_kana(a, b) for a in one for b in other}
    for reason in (Reason.kana_same, Reason.kana_folded, Reason.kana_swapped):
        if reason in found:
            return reason
    return None


def _compare_kana(a: PersonNames, b: PersonNames) -> Reason | None:
    left, right = reading(a.family_kana, a.given_kana), reading(b.family_kana, b.given_kana)
    if not left or not right:
        return None
    if left == right:
        return Reason.kana_same
    if loses_only_marks(left, right):
        return Reason.kana_folded
    return Reason.kana_swapped if left == reading(b.given_kana, b.family_kana) else None


def _written(one: Iterable[PersonNames], other: Iterable[PersonNames]) -> list[Reason]:
    """Agreement of the given names as written; family names change."""
    found = {compare_written(a.given, b.given) for a in one for b in other}
    if Agreement.same in found:
        return [Reason.written_same]
    return [] if Agreement.unknown in found else [Reason.written_different]
