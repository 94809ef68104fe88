"""Pages print what the benchmarks measured."""

import json

import pytest

from tools.benchmarks_ext import measured


@pytest.fixture
def results(tmp_path):
    values = {"a": {"b": [{"c": 0.123}, {"c": 2.0}]}, "n": 1_234_567}
    (tmp_path / "speed.json").write_text(json.dumps(values))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("speed:a.b.0.c:.1f", "0.1"),
        ("speed:a.b.1.c:.0%", "200%"),
        ("speed:a.b.0.c", "0.123"),
        ("speed:n", "1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567"),
    ],
)
def test_values_are_found_and_formatted(results, text, shown):
    assert measured(text, results) == shown


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("slow:a", "no results named slow"),
        ("speed:a.x", "'x' is none of"),
        ("speed:a.b.2.c", "'2' is none of"),
        ("speed:n.x", "'x' is none of 1234567"),
    ],
)
def test_missing_values_are_errors(results, text, why):
    with pytest.raises(ValueError, match=why):
        measured(text, results)
