"""The decks of slides, as they are shown, read and printed."""

import re

import pytest
from bs4 import BeautifulSoup

from tests.site.test_site_browser import DESKTOP, PHONE, axe
from tools import addresses
from tools.slides_ext import deck_name, pages

pytestmark = pytest.mark.site
SITE = addresses.ROOT / "_build" / "html"
SHOWN = {"width": 1280, "height": 720}
READY = "document.documentElement.dataset.slidesReady === 'yes'"
DECKS = [f"{deck_name(page)}.html" for page in pages()]
ONE = "slides/images/variational-autoencoders.html"

LOOK = """() => {
  const faults = [];
  for (const slide of document.querySelectorAll("section.slide")) {
    const say = (what) => faults.push(`slide ${slide.id}: ${what}`);
    const body = slide.querySelector(".body");
    const room = body.getBoundingClientRect();
    for (const box of body.querySelectorAll("*")) {
      const drawn = box.closest("mjx-container");
      if (drawn && drawn !== box && box.tagName !== "MJX-MATH") continue;
      const { left, right, top, bottom, width } = box.getBoundingClientRect();
      const over = Math.max(room.left - left, right - room.right,
        room.top - top, bottom - room.bottom);
      if (width && over > 2) say(`${box.tagName} is outside by ${over}`);
      if (box.tagName === "PRE" && box.scrollWidth > box.clientWidth + 1) {
        say("what a cell prints is too wide");
      }
    }
    for (const image of body.querySelectorAll("img")) {
      if (!image.naturalWidth) say(`no picture ${image.src}`);
      if (image.getBoundingClientRect().height < 200) say("small picture");
      if ((image.alt ?? "").length < 30) say("a picture without words");
    }
    for (const text of body.querySelectorAll("p, li, td, pre, mjx-container")) {
      const size = parseFloat(getComputedStyle(text).fontSize);
      if (size < 18) say(`type of ${size} pixels in ${text.tagName}`);
    }
    for (const formula of slide.querySelectorAll("span.math, div.math")) {
      if (!formula.querySelector("mjx-container")) say("a formula as text");
    }
    if (slide.querySelector("mjx-merror")) say("a formula that fails");
  }
  return faults;
}"""


class Show:
    """A deck in a browser, and what it asks of others."""

    def __init__(self, browser, url, screen=SHOWN, scheme="light", **options):
        self.tab = browser.new_page(
            viewport=screen, color_scheme=scheme, **options
        )
        self.outside, self.errors = [], []
        self.tab.on("request", self.on_request)
        self.tab.on("response", self.on_response)
        self.tab.on("pageerror", lambda e: self.errors.append(str(e)))
        self.tab.goto(url)
        self.tab.wait_for_function(READY)

    def on_request(self, request):
        """Note what is asked of another machine."""
        if not request.url.startswith(("http://127.0.0.1", "data:", "blob:")):
            self.outside.append(request.url)

    def on_response(self, response):
        """Note a file of the site that is missing."""
        if response.status >= 400:
            self.errors.append(f"{response.status} {response.url}")

    @property
    def place(self):
        """The number of the slide, as the address says it."""
        return self.tab.evaluate("location.hash")


@pytest.fixture
def show(browser, address):
    opened = []

    def open_deck(name=ONE, **options):
        opened.append(Show(browser, address + name, **options))
        return opened[-1]

    yield open_deck
    for deck in opened:
        deck.tab.close()


@pytest.mark.parametrize("name", DECKS)
def test_every_chapter_has_a_deck(name):
    soup = BeautifulSoup((SITE / name).read_text("utf8"), "html.parser")
    found = soup.select("section.slide")
    assert 12 <= len(found) <= 30
    assert [section["id"] for section in found] == [
        str(n) for n in range(1, len(found) + 1)
    ]
    assert len(soup.select(".pitfall")) >= 5
    assert soup.select(".questions")
    assert soup.select(".formula")
    assert all(image.get("alt") for image in soup.select("img"))


@pytest.mark.parametrize("name", DECKS)
def test_a_chapter_and_its_deck_link_to_each_other(name):
    page = name.replace("slides/", "book/")
    chapter = (SITE / page).read_text("utf8")
    assert f'href="../../{name}"' in chapter
    assert f'href="../../{page}"' in (SITE / name).read_text("utf8")


@pytest.mark.parametrize("name", DECKS)
def test_slides_fit_their_frame(show, name):
    deck = show(name)
    assert not deck.tab.evaluate(LOOK)
    assert not deck.outside
    assert not deck.errors


@pytest.mark.parametrize(
    ("screen", "scheme"),
    [(SHOWN, "light"), (DESKTOP, "dark"), (PHONE, "light")],
)
def test_slides_for_every_reader(show, screen, scheme):
    deck = show(screen=screen, scheme=scheme)
    assert not axe(deck.tab)
    for key in ("n", "o"):
        deck.tab.keyboard.press(key)
        deck.tab.wait_for_timeout(400)  # until wide boxes are marked
        assert not axe(deck.tab)
    width = deck.tab.evaluate("document.documentElement.scrollWidth")
    assert width <= screen["width"]


def test_keys_step_through_the_slides(show):
    deck = show()
    last = deck.tab.locator("section.slide").count()
    for key, place in [
        *(("ArrowRight", 2), (" ", 3), ("PageDown", 4), ("ArrowLeft", 3)),
        *(("End", last), ("ArrowRight", last), ("Home", 1), ("ArrowUp", 1)),
    ]:
        deck.tab.keyboard.press(key)
        assert deck.place == f"#{place}", key
        here = deck.tab.locator(f"[id='{place}'] .frame").bounding_box()
        assert abs(here["y"]) < 2


def test_an_address_opens_its_slide(show):
    deck = show(f"{ONE}#7")
    assert abs(deck.tab.locator("[id='7'] .frame").bounding_box()["y"]) < 2


def test_notes_and_overview_come_and_go(show):
    deck = show()
    deck.tab.keyboard.press("ArrowRight")
    notes = deck.tab.locator("[id='2'] .notes > div")
    assert not notes.is_visible()
    deck.tab.keyboard.press("n")
    assert notes.is_visible()
    deck.tab.keyboard.press("n")
    assert not notes.is_visible()
    deck.tab.keyboard.press("o")
    seen = deck.tab.locator("[id='5'] .frame").bounding_box()
    assert seen["width"] < SHOWN["width"] / 3
    deck.tab.locator("[id='5']").click()
    assert deck.place == "#5"
    wide = deck.tab.locator("[id='5'] .frame").bounding_box()["width"]
    assert abs(wide - SHOWN["width"]) < 1


def test_a_second_window_follows(browser, address):
    context = browser.new_context(viewport=SHOWN)
    first, second = context.new_page(), context.new_page()
    for tab in (first, second):
        tab.goto(address + ONE)
        tab.wait_for_function(READY)
    first.keyboard.press("End")
    place = first.evaluate("location.hash")
    second.wait_for_function(f"location.hash === '{place}'", timeout=30000)
    context.close()


def test_slides_are_a_page_without_the_script(browser, address):
    context = browser.new_context(java_script_enabled=False, viewport=SHOWN)
    tab = context.new_page()
    tab.goto(address + ONE)
    frames = tab.locator(".frame")
    places = [frames.nth(n).bounding_box()["y"] for n in range(4)]
    assert places == sorted(set(places))
    assert not tab.locator(".controls").is_visible()
    assert tab.locator(".notes summary").first.is_visible()
    context.close()


def test_paper_has_one_slide_a_page(show):
    deck = show()
    count = deck.tab.locator("section.slide").count()
    paper = deck.tab.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == count
