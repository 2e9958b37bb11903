"""Every observation has a weight of its own, and packed weights come back as they were."""

from datetime import date

import msgspec
import numpy as np
import pytest

from contracts.codes import Basis
from contracts.features import ModelPublished
from services.scoring import layout
from services.scoring.linear import UnknownFormat, log_odds, pack, probability, slot_count, unpack
from tests.unit.scoring.builders import absent_days, matrix, values


def test_slots_stay_in_their_ranges() -> None:
    rows = matrix(
        values(), absent_days(7), [None] * len(values()), [1e9] * len(values()), [-1e9] * len(values())
    )
    found = layout.slots(rows)
    assert found.shape == (5, layout.ROW_SLOTS)
    assert found.min() >= 0
    assert found.max() == layout.BIAS
    assert all(len(set(row)) == layout.ROW_SLOTS for row in found.tolist())
    extra = layout.extra_slots(matrix([None] * 9, [3.0] * 9))
    assert extra[0].min() == layout.BIAS + 1 + layout.MISSING
    assert extra.min() > layout.BIAS
    assert extra.max() < layout.COMBINED_SLOTS


def test_names_match_slots() -> None:
    names = layout.slot_names(layout.COMBINED_SLOTS)
    assert len(names) == len(set(names)) == layout.COMBINED_SLOTS
    row = layout.slots(matrix(values(streak=3, absent_60=4)))[0]
    told = {names[slot] for slot in row.tolist()}
    assert {"streak=3", "streak=3&absent_60=4", "weekday_share_60=17", "bias"} <= told


def test_missing_is_a_bin_of_its_own() -> None:
    known = layout.slots(matrix(values(last_year_rate=0.0)))[0].tolist()
    unknown = layout.slots(matrix(values(last_year_rate=None)))[0].tolist()
    assert known != unknown


@pytest.mark.parametrize("name", [*layout.ATTENDANCE, *layout.DERIVED, *layout.INFIRMARY, *layout.SURVEY])
def test_edges_rise_and_leave_room_for_missing(name: str) -> None:
    edges = layout.edges_of(name)
    assert list(edges) == sorted(set(edges))
    assert len(edges) <= layout.MISSING - 1


def _published(basis: Basis, format_number: int = layout.FORMAT) -> ModelPublished:
    weights = np.linspace(-1, 1, slot_count(basis))
    return ModelPublished(
        model=basis.value,
        basis=basis.value,
        closed_on=date(2025, 6, 2),
        format=format_number,
        weights=pack(weights),
        labels=10,
        positives=2,
        threshold=probability(-1.5),
        leads=True,
    )


@pytest.mark.parametrize("basis", list(Basis))
def test_weights_survive_the_bus(basis: Basis) -> None:
    sent = _published(basis)
    body = msgspec.json.decode(msgspec.json.encode(sent), type=ModelPublished)
    model = unpack(body)
    np.testing.assert_array_equal(model.weights, np.linspace(-1, 1, slot_count(basis)).astype(np.float32))
    assert model.threshold == pytest.approx(-1.5)
    assert model.leads


def test_another_format_is_refused() -> None:
    with pytest.raises(UnknownFormat):
        unpack(_published(Basis.attendance, layout.FORMAT + 1))
    with pytest.raises(UnknownFormat):
        unpack(msgspec.structs.replace(_published(Basis.combined), basis="attendance"))
    with pytest.raises(UnknownFormat):
        unpack(msgspec.structs.replace(_published(Basis.combined), basis="moon"))


def test_log_odds_and_probability_are_inverse() -> None:
    assert log_odds(probability(-2.25)) == pytest.approx(-2.25)
    assert log_odds(0.0) < -10
