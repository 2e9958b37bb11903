"""The hidden truth is exported apart, and no event or file carries it."""

import ast
import csv
from pathlib import Path

import msgspec
import numpy as np

import simulator
from contracts import records
from contracts.registry import encode
from simulator.courses import Stage
from simulator.episodes import Kind
from simulator.files import export_year
from simulator.truth import read_truth, truth_of, write_truth
from tests.unit.simulator.cities import demo_city, demo_events

HIDDEN = {"kind_of_onset", "stage", "propensity", "vulnerability", "latent", "truth", "episode", "was_case"}


def keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for each in value.values() for key in keys(each)}
    return {key for each in value for key in keys(each)} if isinstance(value, list) else set()


def strings(value: object) -> set[str]:
    if isinstance(value, dict):
        return {text for each in value.values() for text in strings(each)}
    if isinstance(value, list):
        return {text for each in value for text in strings(each)}
    return {value} if isinstance(value, str) else set()


def test_no_event_carries_truth() -> None:
    states = {state.name for state in Kind} | {state.name for state in Stage}
    for event in demo_events():
        read = msgspec.json.decode(encode(event.body))
        assert not keys(read) & HIDDEN
        assert not strings(read) & (states - {"none"})


def test_events_are_source_records_only() -> None:
    modules = {type(event.body).__module__ for event in demo_events()}
    assert modules == {records.__name__}


def test_only_the_command_uses_the_truth_module() -> None:
    folder = Path(simulator.__file__).parent
    users = {
        path.name
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "simulator.truth"
    }
    assert users == {"cli.py"}


def test_truth_survives_writing_and_reading(tmp_path: Path) -> None:
    city = demo_city()
    truth = truth_of(city, 2025)
    write_truth(truth, tmp_path / "truth.npz")
    again = read_truth(tmp_path / "truth.npz")
    for name, value in vars(truth).items():
        assert np.array_equal(getattr(again, name), value), name


def test_truth_fits_the_days() -> None:
    city = demo_city()
    truth, days = truth_of(city, 2025), city.attendance(2025)
    assert truth.stage.shape == truth.status.shape == (len(truth.pupil_ids), len(truth.dates))
    assert np.array_equal(truth.status, days.status)
    cases = np.unique(truth.pupil_ids[truth.is_case])
    assert len(cases) == city.years[2025].cases().sum()
    plateau = truth.stage == Stage.plateau
    assert days.absent[plateau & days.enrolled].mean() > 0.4


def test_files_read_back_in_every_encoding(tmp_path: Path) -> None:
    city = demo_city()
    for encoding in ("cp932", "utf-8", "utf-8-sig"):
        written = export_year(city, 2025, tmp_path / encoding, encoding)
        assert len(written) == 25
        with written[0].open(encoding=encoding, newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert len(rows) == len(city.roster(2025))
        assert any("<img src=x onerror=alert(1)>" in row["氏名"] for row in rows)
        assert all(row["学校コード"] in {school.code for school in city.schools} for row in rows)


def test_cp932_files_carry_reduced_letters(tmp_path: Path) -> None:
    city = demo_city()
    exact = export_year(city, 2025, tmp_path / "u", "utf-8")[0].read_text("utf-8")
    reduced = export_year(city, 2025, tmp_path / "c", "cp932")[0].read_text("cp932")
    assert "𠮷田" in exact
    assert "𠮷" not in reduced
    assert "〓" not in reduced


def test_attendance_files_count_like_the_register(tmp_path: Path) -> None:
    city = demo_city()
    written = export_year(city, 2025, tmp_path, "utf-8")
    rows = []
    for path in written:
        if path.name.startswith("出欠"):
            with path.open(encoding="utf-8", newline="") as stream:
                rows += list(csv.DictReader(stream))
    register, days = city.register(2025), city.attendance(2025)
    taken = (register.taken >= 0)[city.roster(2025).room]
    sick = ((register.final_status == 2) & taken & days.enrolled).sum()
    assert sum(row["出欠区分"] == "病欠" for row in rows) == sick > 2000
    assert any(row["遅刻"] == "1" for row in rows)


def test_the_hidden_words_would_be_found() -> None:
    assert keys({"a": [{"stage": 1}]}) & HIDDEN
    assert strings({"a": ["plateau"]}) == {"plateau"}
