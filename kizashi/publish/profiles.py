"""Column mappings as data: a YAML file says which heading is read how, and which records a row becomes."""

from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec
import yaml

from contracts.codes import AttendanceFlag
from contracts.registry import BY_NAME
from kizashi.publish.entries import Unreadable

Read = Literal[
    "text", "code", "number", "year", "date", "moment", "family", "given", "label",
    "mark_code", "mark_flags", "flag", "words",
]  # fmt: skip


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column: the headings it may have, and how its cells are read.

    ``optional``: the column may be missing and its cells may be empty; ``blank``: the cells only.
    ``flag``: the attendance flag that a tick in it sets. ``words``: cell text → coded value.
    """

    headers: list[str]
    read: Read = "text"
    optional: bool = False
    blank: bool = False
    flag: str = ""
    words: dict[str, str] = {}


class Recorded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a row was recorded: a column of moments, or a time of day (Japan) on a column of dates.

    Where neither gives one, the file's own time of change is taken.
    """

    column: str = ""
    date: str = ""
    time: str = "12:00"


class From(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a value comes from: the first of these that gives one.

    ``column``: a cell. ``join``: cells joined by "/", empty ones left out. ``flags``: attendance
    flags of several columns together. ``filled``: whether a cell holds anything. ``year_start`` and
    ``year_end``: 1 April of the school year in that column, or of the next. ``value``: itself.
    """

    column: str = ""
    join: list[str] = []
    flags: list[str] = []
    filled: str = ""
    year_start: str = ""
    year_end: str = ""
    value: str | int | bool | None = None

    def columns(self) -> set[str]:
        """Every column that is looked at."""
        singles = {self.column, self.filled, self.year_start, self.year_end}
        return {name for name in (*singles, *self.join, *self.flags) if name}


Fields = dict[str, str | From]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One element of a list in a record, such as one of a child's names; left out when ``when`` is empty."""

    fields: Fields
    when: str


class Made(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One record made of a row.

    ``fields``: path in the record ("pupil.source_id") → column, or where else it comes from.
    ``lists``: path → its elements. ``once``: only the first of equal records of a file.
    """

    type: str
    fields: Fields
    lists: dict[str, list[Part]] = {}
    once: bool = False


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the files of one kind of system are read."""

    name: str
    title_ja: str
    title_en: str
    columns: dict[str, Column]
    events: list[Made]
    recorded: Recorded = Recorded()

    def __post_init__(self) -> None:
        """Find mappings that point nowhere.

        Raises:
            ValueError: an unknown event type, column or flag.
        """
        for each in self.events:
            if each.type not in BY_NAME:
                raise ValueError(f"unknown event type {each.type}")
            unknown = _columns_of(each) - self.columns.keys()
            if unknown:
                raise ValueError(f"{each.type} maps unknown columns {sorted(unknown)}")
        for column in self.columns.values():
            if column.flag and column.flag not in AttendanceFlag.__members__:
                raise ValueError(f"unknown flag {column.flag}")


def _columns_of(each: Made) -> set[str]:
    parts = [part for parts in each.lists.values() for part in parts]
    found = {part.when for part in parts}
    for fields in (each.fields, *(part.fields for part in parts)):
        for source in fields.values():
            found |= {source} if isinstance(source, str) else source.columns()
    return found


def shipped() -> list[str]:
    """Names of the profiles that come with this program."""
    folder = files("kizashi.publish") / "profiles"
    return sorted(each.name.removesuffix(".yaml") for each in folder.iterdir() if each.name.endswith(".yaml"))


def load(name: str) -> Profile:
    """A shipped profile by name, or one of your own by its path (``….yaml``).

    Raises:
        Unreadable: there is no such profile, or it is not well formed.
    """
    own = Path(name)
    if own.suffix in (".yaml", ".yml"):
        if not own.is_file():
            raise Unreadable(f"there is no profile file {own.name}")
        text = own.read_text("utf-8")
    elif name in shipped():
        text = (files("kizashi.publish") / "profiles" / f"{name}.yaml").read_text("utf-8")
    else:
        raise Unreadable(f"there is no profile {name!r}; known: {', '.join(['edfi', 'events', *shipped()])}")
    try:
        return msgspec.convert(yaml.safe_load(text), Profile)
    except (msgspec.ValidationError, yaml.YAMLError, ValueError) as error:
        raise Unreadable(f"profile {name!r} is not well formed: {error}") from None
