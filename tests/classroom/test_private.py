"""The start for a private repository: its tests pass, and can fail."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import addresses

pytestmark = [
    pytest.mark.grading,
    pytest.mark.timeout(1800),
    pytest.mark.xdist_group("classroom-private"),
]
ROOT = Path(__file__).parents[2]
START = ROOT / "classroom" / "private"


def check(folder):
    """What pytest says of a copy of the repository."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def copy(tmp_path):
    return Path(shutil.copytree(START, tmp_path / "marked-sheets"))


def test_the_start_passes_its_tests(copy):
    done = check(copy)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_a_sheet_with_a_wrong_answer_fails_them(copy):
    sheet = copy / "sheets" / "means-and-spreads.py"
    text = sheet.read_text()
    assert "(len(x) - 1))" in text
    sheet.write_text(text.replace("(len(x) - 1))", "len(x))"))
    done = check(copy)
    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout


def test_it_pins_the_versions_that_this_book_uses():
    here = (ROOT / "requirements.txt").read_text()
    pinned = re.findall(
        r"^[\w-]+==.*$", (START / "requirements.txt").read_text(), re.M
    )
    assert len(pinned) == 2
    address = addresses.repository()
    assert f"@ git+{address}@" in (START / "requirements.txt").read_text()
    assert set(pinned) <= set(here.splitlines())
