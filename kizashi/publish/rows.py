"""A row of a table to the records it stands for, by a profile. Pure."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from contracts.codes import Refusal
from contracts.registry import BY_NAME, Body
from kizashi.publish.cells import TOKYO, CellUnreadable, Value, read_cell
from kizashi.publish.entries import Bad, Made, Place, Unreadable
from kizashi.publish.natural import Sequencer
from kizashi.publish.profiles import Fields, From, Profile
from kizashi.publish.profiles import Made as Rule
from kizashi.publish.reasons import RowReason, of_kind
from services.ingest.schema_errors import unfit

Values = Mapping[str, Value | None]


def locate(profile: Profile, heading: list[str]) -> dict[str, int]:
    """Where each column of the profile stands in a file.

    Raises:
        Unreadable: a column is missing.
    """
    found: dict[str, int] = {}
    names = [name.strip().lstrip("\ufeff") for name in heading]
    for key, column in profile.columns.items():
        place = next((names.index(name) for name in column.headers if name in names), None)
        if place is not None:
            found[key] = place
        elif not column.optional:
            expected = "・".join(column.headers)
            text = f"見出し「{expected}」の列がありません / there is no column headed {expected}"
            raise Unreadable(text, Refusal.bad_row)
    return found


def _first(source: From, values: Values) -> Any:
    """The first of the places named by ``source`` that gives a value."""
    if source.column and values.get(source.column) is not None:
        return values[source.column]
    if source.join:
        return "/".join(str(values[name]) for name in source.join if values.get(name) is not None) or None
    if source.flags:
        flags = 0
        for name in source.flags:
            flags |= int(str(values.get(name) or 0))
        return flags
    if source.filled:
        return values.get(source.filled) is not None
    for name, later in ((source.year_start, 0), (source.year_end, 1)):
        year = values.get(name)
        if isinstance(year, int):
            return date(year + later, 4, 1)
    return source.value


def _nested(fields: Fields, values: Values) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for path, source in fields.items():
        value = values.get(source) if isinstance(source, str) else _first(source, values)
        if value is None:
            continue
        *above, last = path.split(".")
        place = body
        for step in above:
            place = place.setdefault(step, {})
        place[last] = value
    return body


def _body(rule: Rule, values: Values) -> Body:
    body = _nested(rule.fields, values)
    for path, parts in rule.lists.items():
        body[path] = [_nested(part.fields, values) for part in parts if values.get(part.when) is not None]
    return msgspec.convert(body, BY_NAME[rule.type].body)


class RowMaker:
    """Makes records of the rows of one file."""

    def __init__(self, profile: Profile, heading: list[str], file: str, changed_at: datetime) -> None:
        self._profile = profile
        self._places = locate(profile, heading)
        self._heading = heading
        self._file = file
        self._changed_at = changed_at
        self._sequencer = Sequencer()
        self._made: set[Body] = set()

    def entries(self, number: int, cells: list[str]) -> Iterator[Made | Bad]:
        """The records of a row, or the one place in it that cannot be read."""
        place = Place(self._file, number)
        if len(cells) != len(self._heading):
            yield Bad(place, RowReason.ragged.reason)
            return
        values = self._values(place, cells)
        if isinstance(values, Bad):
            yield values
            return
        recorded_at = self._recorded_at(values)
        for rule in self._profile.events:
            entry = self._record(place, rule, values, recorded_at)
            if entry is not None:
                yield entry

    def _values(self, place: Place, cells: list[str]) -> Values | Bad:
        values: dict[str, Value | None] = {}
        for key, index in self._places.items():
            try:
                values[key] = read_cell(self._profile.columns[key], cells[index])
            except CellUnreadable as error:
                return Bad(place, error.reason.reason, self._heading[index])
        return values

    def _recorded_at(self, values: Values) -> datetime:
        recorded = self._profile.recorded
        moment, day = values.get(recorded.column), values.get(recorded.date)
        if isinstance(moment, datetime):
            return moment
        if isinstance(day, date):
            hour, minute = map(int, recorded.time.split(":"))
            return datetime(day.year, day.month, day.day, hour, minute, tzinfo=TOKYO)
        return self._changed_at

    def _record(self, place: Place, rule: Rule, values: Values, recorded_at: datetime) -> Made | Bad | None:
        try:
            body = _body(rule, values)
        except msgspec.ValidationError as error:
            problem = unfit(error, "")
            return Bad(place, of_kind(problem.kind), self._column_of(rule, problem.pointer))
        if rule.once:
            if body in self._made:
                return None
            self._made.add(body)
        return Made(place, body, recorded_at, self._sequencer.next(body, recorded_at))

    def _column_of(self, rule: Rule, pointer: str) -> str:
        """The heading of the column that a schema error points at."""
        source = rule.fields.get(pointer.removeprefix("/").replace("/", "."))
        key = source if isinstance(source, str) else source.column if source else ""
        return self._heading[self._places[key]] if key in self._places else ""
