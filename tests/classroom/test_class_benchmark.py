"""The benchmark of a class grades rightly, and its results are kept."""

import json

import pytest

from benchmarks import class_of_forty, harness
from course.classroom import library

SMALL = class_of_forty.ROOT / ("classroom/private/sheets/means-and-spreads.py")


def test_a_class_of_forty_is_of_all_kinds():
    lots = class_of_forty.work(library.load(class_of_forty.SHEET))
    points = [points for _, points in lots.values()]
    assert len(lots) == 40
    assert points.count(None) == 2
    assert points.count(0) == 4
    assert points.count(max(p for p in points if p is not None)) == 14
    assert len(set(points)) > 4


def test_a_small_class_is_measured():
    lots = class_of_forty.work(library.load(SMALL), 3)
    results = class_of_forty.grade(SMALL, lots)
    assert results["students"] == 3
    assert 0 < results["cpu_seconds"]["median"] < 60
    assert results["kernel_mb"] > 30


def test_marks_that_nobody_deserves_are_refused(monkeypatch):
    sheet = library.load(SMALL)
    (name, (text, points)), *_ = class_of_forty.work(sheet, 1).items()
    with pytest.raises(ValueError, match=r"expected other marks.*s00"):
        class_of_forty.grade(SMALL, {name: (text, 1.5)})
    assert points in (0.0, 6.0)


def test_the_kept_class_reached_its_aims():
    kept = json.loads((harness.RESULTS / "class_of_forty.json").read_text())
    assert (kept["students"], kept["graded"]) == (40, 38)
    assert kept["sandboxed"]
    assert sorted(kept["reported"].values()) == [
        "fitting-and-margins.ipynb is not a notebook: NotJSONError",
        "the kernel died: the code ended it or met a limit",
    ]
    assert kept["cpu_seconds"]["median"] < 20
    assert kept["grader_mb"] < 500
    assert kept["kernel_mb"] < 1500
