"""Fills a poll's layer with what the lanes' caches lack, in bulk and for all lanes at once."""

from collections.abc import Iterable

from services.features import store
from services.features.cache import DayKey, LaneState, SchoolKey, YearKey
from services.features.children import ChildYear
from services.features.classes import class_name
from services.kit.lanes import Transaction


async def load_children(tx: Transaction, wanted: Iterable[tuple[LaneState, str]]) -> None:
    """Enrolments, visits and surveys of children."""
    missing = {
        who: state for state, who in wanted if who not in state.children and who not in state.cache.children
    }
    if missing:
        for who, child in (await store.load_children(tx, list(missing))).items():
            missing[who].children[who] = child


async def load_years(tx: Transaction, wanted: Iterable[tuple[LaneState, YearKey]]) -> None:
    """Strips of children's years, and the children themselves."""
    listed = list(wanted)
    missing = {key: state for state, key in listed if key not in state.years and key not in state.cache.years}
    if missing:
        for key, year in (await store.load_years(tx, missing)).items():
            missing[key].years[key] = _beside(missing[key], key, year)
    await load_children(tx, ((state, key[0]) for state, key in listed))


def _beside(state: LaneState, key: YearKey, year: ChildYear) -> ChildYear:
    """A year as the database has it, and its neighbours as this poll has them."""
    linkage_id, school_year = key
    before, after = (linkage_id, school_year - 1), (linkage_id, school_year + 1)
    if before in state.changed_terms:
        year = year._replace(before=store.summary(state.years[before].strip))
    return year._replace(follows=True) if after in state.changed_terms else year


async def load_own_days(tx: Transaction, wanted: Iterable[tuple[LaneState, DayKey]]) -> None:
    """A lane's own counts of schools' days."""
    missing = {(state.partition, key): state for state, key in wanted if not state.has_own(key)}
    if missing:
        for (lane, key), day in (await store.load_own_days(tx, list(missing))).items():
            missing[lane, key].own[key] = day


async def load_tallies(tx: Transaction, wanted: Iterable[tuple[LaneState, SchoolKey]]) -> None:
    """The tallies of schools' years."""
    missing = {(state.partition, key): state for state, key in wanted if not state.has_tally(key)}
    if missing:
        for (lane, key), tally in (await store.load_tallies(tx, list(missing))).items():
            missing[lane, key].tallies[key] = tally


def schools_of(wanted: Iterable[tuple[LaneState, YearKey]]) -> set[tuple[LaneState, SchoolKey]]:
    """The schools whose tallies loaded years may ask for."""
    groups = {(state, key[1], state.year(key).classes) for state, key in wanted}
    return {
        (state, (class_name(class_id).school, school_year))
        for state, school_year, classes in groups
        for class_id in classes
    }
