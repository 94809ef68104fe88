"""How much work an experiment may do."""

import pytest

from course.budget import budget


@pytest.mark.parametrize(
    ("wish", "granted"), [(None, "little"), ("0", "little"), ("1", "much")]
)
def test_the_environment_decides(wish, granted, monkeypatch):
    monkeypatch.delenv("COURSE_FULL", raising=False)
    if wish is not None:
        monkeypatch.setenv("COURSE_FULL", wish)
    assert budget(quick="little", full="much") == granted


@pytest.mark.parametrize("wish", ["", "yes", "2", "True"])
def test_other_wishes_are_refused(wish, monkeypatch):
    monkeypatch.setenv("COURSE_FULL", wish)
    with pytest.raises(ValueError, match=f"0 .* or 1 .*, not {wish!r}: set"):
        budget(quick=1, full=2)
