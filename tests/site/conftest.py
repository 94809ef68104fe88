"""The built site: its pages, parsed once, and a browser where there is one."""

import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tools import addresses
from tools.serve import serving

SITE = addresses.ROOT / "_build" / "html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , "
    "EXCLUDE 127.0.0.1",
]


class Page(HTMLParser):
    """What the tests ask of one page: its elements, ids and headings."""

    def __init__(self, path: Path):
        super().__init__()
        self.path, self.elements, self.h1 = path, [], []
        self.in_heading = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        """Note an element; where it is a heading, its text follows."""
        self.elements.append((tag, dict(attrs)))
        if tag == "h1":
            self.in_heading = True
            self.h1.append("")

    def handle_endtag(self, tag):
        """Note where a heading ends."""
        self.in_heading = self.in_heading and tag != "h1"

    def handle_data(self, data):
        """Add to the heading that is open."""
        if self.in_heading:
            self.h1[-1] += data

    def all(self, tag):
        """The attributes of every element of a kind."""
        return [attrs for name, attrs in self.elements if name == tag]

    @property
    def ids(self):
        """The anchors of the page, as often as they occur."""
        return [a["id"] for _, a in self.elements if a.get("id")]


def built() -> list[Path]:
    """The pages of the site; a test that needs them fails without."""
    return sorted(SITE.rglob("*.html"))


@pytest.fixture(scope="session")
def pages():
    found = {p.relative_to(SITE).as_posix(): Page(p) for p in built()}
    assert found, "there is no built site: run `make book` first"
    return found


@pytest.fixture(scope="session")
def address():
    assert built(), "there is no built site: run `make book` first"
    with serving(SITE) as url:
        yield url


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"no browser here: none of {', '.join(BROWSERS)}")
    with playwright.sync_playwright() as engine:
        chromium = engine.chromium.launch(
            executable_path=program, args=ARGUMENTS
        )
        yield chromium
        chromium.close()
