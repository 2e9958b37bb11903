"""How a source names a child, as blind lookup keys: HMACs under identity's key, 16 bytes each.

The ways are tried in the order of :class:`Keys`: the source's own number, the 教育ID of that school
year, the exact reading with the birth date, the folded reading with the birth date. Folding forgives
lost marks on one side only: a record with marks finds a folded name only where the registry has none.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from contracts.records import PersonNames, PupilRef
from services.identity import names
from services.kit.ids import keyed_id

_FIRST_MONTH = 4


class Keys(NamedTuple):
    """Lookup keys of one reference; ``None`` where that way is incomplete."""

    source: bytes | None = None
    seat: bytes | None = None
    exact: bytes | None = None
    fold: bytes | None = None

    @property
    def anchor(self) -> bytes | None:
        """The first complete way: what the record hangs on while it waits."""
        return self.source or self.seat or self.exact


class Place(NamedTuple):
    """What the record around a reference says of where and when; completes a 教育ID."""

    school: str | None
    day: date
    school_year: int | None = None
    grade: int | None = None
    label: str | None = None


def school_year_of(day: date) -> int:
    """The Japanese school year, 1 April to 31 March."""
    return day.year if day.month >= _FIRST_MONTH else day.year - 1


class Index:
    """Makes blind keys under one secret."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def source(self, source: str, pupil_id: str) -> bytes:
        """A source's own pupil number."""
        return self._blind("source", source, pupil_id)

    def seat(self, school: str, school_year: int, grade: int, label: str, number: int) -> bytes:
        """教育ID: 学校コード, 年度, 学年, 組, 出席番号."""
        return self._blind("seat", school, str(school_year), str(grade), names.label(label), str(number))

    def exact(self, read: str, birth: date) -> bytes:
        """A reading as typed, with the birth date."""
        return self._blind("exact", read, birth.isoformat())

    def fold(self, read: str, birth: date) -> bytes:
        """What a record's reading looks for when no exact reading is known."""
        folded = names.fold(read)
        return self._blind("any" if read == folded else "markless", folded, birth.isoformat())

    def of_names(self, known: Iterable[PersonNames], birth: date) -> set[bytes]:
        """All keys under which a registered child can be found by name and birth date."""
        if not names.usable_birth(birth):
            return set()
        found: set[bytes] = set()
        for name in known:
            read = names.reading(name.family_kana, name.given_kana)
            if read:
                swapped = names.reading(name.given_kana, name.family_kana)
                found |= {self.exact(read, birth), self.exact(swapped, birth)}
                found |= {self._blind(space, names.fold(read), birth.isoformat()) for space in _spaces(read)}
        return found

    def keys(self, ref: PupilRef, source: str, place: Place) -> Keys:
        """All lookup keys of a reference, completed by the record around it."""
        by_source = self.source(source, ref.source_id) if ref.source_id is not None else None
        exact = fold = None
        read = names.reading(ref.family_kana, ref.given_kana)
        if read and ref.birth_date is not None and names.usable_birth(ref.birth_date):
            exact, fold = self.exact(read, ref.birth_date), self.fold(read, ref.birth_date)
        return Keys(by_source, self._seat(ref, place), exact, fold)

    def _seat(self, ref: PupilRef, place: Place) -> bytes | None:
        school = ref.school or place.school
        year = ref.school_year or place.school_year or school_year_of(place.day)
        grade = ref.grade or place.grade
        label = ref.class_label or place.label
        if ref.number is None or school is None or grade is None or label is None:
            return None
        return self.seat(school, year, grade, label, ref.number)

    def _blind(self, *parts: str) -> bytes:
        return bytes.fromhex(keyed_id(self._key, *parts))


def _spaces(read: str) -> tuple[str, ...]:
    return ("any", "markless") if read == names.fold(read) else ("any",)
