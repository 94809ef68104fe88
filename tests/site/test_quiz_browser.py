"""A quiz as a reader meets it: with a mouse, with keys alone, on paper."""

import re

import pytest
from test_site_browser import DESKTOP, PHONE, READY, SETTLE, axe

from tools import chapters, quiz

pytestmark = pytest.mark.site
CHAPTER = "book/learning/linear-models"
QUESTIONS = quiz.read(chapters.ROOT / f"{CHAPTER}{quiz.SUFFIX}")
CHOICE = next(i for i, one in enumerate(QUESTIONS) if one.options)
NUMBER = next(i for i, one in enumerate(QUESTIONS) if one.near)
# The rest of the page has a test of its own.
ALONE = """() => document.querySelectorAll(".bd-article section section")
  .forEach((part) => { if (part.id !== "quiz") part.remove(); })"""
PAGES = [
    p.relative_to(chapters.ROOT).with_suffix(".html").as_posix()
    for p in chapters.chapters()
]


@pytest.fixture
def visit(browser, address):
    """Open the page of a quiz; at the end nothing was asked of outside."""
    tabs, outside, errors = [], [], []

    def on_request(request):
        if not request.url.startswith(("http://127.0.0.1", "data:", "blob:")):
            outside.append(request.url)

    def run(*, script=True, size=DESKTOP, **options):
        context = {"java_script_enabled": script, "viewport": size}
        tab = browser.new_page(**context | {"color_scheme": "light"} | options)
        tabs.append(tab)
        tab.on("request", on_request)
        tab.on("pageerror", lambda e: errors.append(str(e)))
        tab.goto(f"{address}{CHAPTER}.html")
        if script:
            tab.wait_for_function(READY)
        return tab

    yield run
    for tab in tabs:
        tab.close()
    assert not outside
    assert not errors


def box(tab, number):
    """One question on the page."""
    return tab.locator(f"#quiz-{QUESTIONS[number].id}")


def choose(tab, option):
    """Choose an option of the first choice, and check it."""
    asked = box(tab, CHOICE)
    asked.get_by_role("radio").nth(option).check()
    asked.get_by_role("button", name="Check").click()
    return asked.get_by_role("status")


def write(tab, text):
    """Write a number into the field of the first number, and check it."""
    asked = box(tab, NUMBER)
    asked.get_by_role("textbox").fill(text)
    asked.get_by_role("button", name="Check").click()
    return asked.get_by_role("status")


def words(text):
    """The plain words with which an explanation begins."""
    return re.match(r"[\w ,.;:]+", " ".join(text.split()))[0].strip()[:30]


@pytest.mark.parametrize("page", PAGES)
def test_questions_and_answers_are_on_the_page_itself(pages, page):
    """No script is needed: options are listed, answers fold."""
    found = quiz.read(chapters.ROOT / page.replace(".html", quiz.SUFFIX))
    ids = set(pages[page].ids)
    assert {f"quiz-{one.id}" for one in found} <= ids
    text = pages[page].path.read_text(encoding="utf-8")
    assert text.count('<details class="quiz-answer"') == len(found)
    whys = re.findall(r'<ol class="[^"]*\bquiz-whys\b', text)
    assert len(whys) == sum(bool(one.options) for one in found)
    files = [a.get("src", "") for a in pages[page].all("script")]
    assert sum("quiz.js" in file for file in files) == 1


def test_pages_without_a_quiz_do_not_load_it(pages):
    for name, page in pages.items():
        if name not in PAGES:
            text = page.path.read_text(encoding="utf-8")
            assert "quiz.js" not in text, name
            assert "quiz.css" not in text, name


def test_without_a_script_answers_open(visit):
    tab = visit(script=False)
    asked = box(tab, CHOICE)
    assert asked.locator(".quiz-options li").count() >= 3
    assert not asked.locator(".quiz-key").is_visible()
    asked.locator("summary").click()
    assert asked.locator(".quiz-key").is_visible()
    whys = asked.locator(".quiz-whys .quiz-why")
    assert whys.count() == len(QUESTIONS[CHOICE].options)
    assert tab.get_by_role("button", name="Check").count() == 0
    assert not tab.get_by_text("Show all answers").is_visible()


def test_a_choice_is_judged_and_explained(visit):
    tab, one = visit(), QUESTIONS[CHOICE]
    asked = box(tab, CHOICE)
    assert not asked.locator(".quiz-answer").is_visible()
    asked.get_by_role("button", name="Check").click()
    status = asked.get_by_role("status")
    assert status.inner_text() == "Choose an answer first."
    wrong = (one.correct + 1) % len(one.options)
    said = choose(tab, wrong).inner_text()
    assert said.startswith("Not right.")
    assert words(one.options[wrong].why) in said
    assert words(one.options[one.correct].why) not in said
    said = choose(tab, one.correct).inner_text()
    assert said.startswith("Right.")
    assert words(one.options[one.correct].why) in said
    assert status.get_attribute("aria-live") == "polite"
    assert asked.locator(".quiz-answer").is_visible()


def test_another_choice_takes_the_verdict_away(visit):
    tab = visit()
    choose(tab, 0)
    asked = box(tab, CHOICE)
    asked.get_by_role("radio").nth(1).check()
    assert asked.get_by_role("status").inner_text() == ""


def test_the_score_counts_first_tries(visit):
    tab, one = visit(), QUESTIONS[CHOICE]
    score, n = tab.locator(".quiz-score"), len(QUESTIONS)
    assert score.inner_text().startswith(f"0 of {n} right, 0")
    choose(tab, (one.correct + 1) % len(one.options))
    assert score.inner_text().startswith(f"0 of {n} right, 0")
    choose(tab, one.correct)
    assert score.inner_text().startswith(f"1 of {n} right, 0")
    write(tab, str(QUESTIONS[NUMBER].answer.value))
    assert score.inner_text().startswith(f"2 of {n} right, 1")


def test_numbers_are_read_as_people_write_them(visit):
    tab = visit()
    read = {
        "0,69": 0.69, "1e-3": 0.001, " −2 ": -2, "+.5": 0.5, "3.": 3,
        "1 000": 1000, "-1E+2": -100, "7": 7,
    }  # fmt: skip
    for text, number in read.items():
        assert tab.evaluate("text => quizNumber(text)", text) == number, text
    for text in ("", "abc", "1e", "1,000.5", "0.5.5", "1/2", "0x10", "--1"):
        found = tab.evaluate("text => String(quizNumber(text))", text)
        assert found == "NaN", text


def test_a_number_counts_within_its_tolerance(visit):
    tab, a = visit(), QUESTIONS[NUMBER].answer
    for off, verdict in (
        (0, "Right."), (0.99, "Right."), (-0.99, "Right."),
        (1.2, "Not right."), (-1.2, "Not right."),
    ):  # fmt: skip
        text = f"{a.value + off * a.tolerance:.9f}".replace(".", ",")
        assert write(tab, text).inner_text().startswith(verdict), off
    said = write(tab, "lots").inner_text()
    assert said.startswith("Write a number")
    field = box(tab, NUMBER).get_by_role("textbox")
    assert field.get_attribute("aria-invalid") == "true"


def test_a_typical_wrong_number_gets_its_explanation(visit):
    tab = visit()
    for near in QUESTIONS[NUMBER].near:
        said = write(tab, f"{near.value}").inner_text()
        assert said.startswith("Not right.")
        assert words(near.why) in said
    assert "Check each step again." in write(tab, "123456").inner_text()


def test_the_keyboard_is_enough(visit):
    tab, one = visit(), QUESTIONS[CHOICE]
    asked = box(tab, CHOICE)
    asked.get_by_role("radio").first.focus()
    tab.keyboard.press("Space")
    for _ in range(one.correct):
        tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Check"
    tab.keyboard.press("Enter")
    said = asked.get_by_role("status")
    assert said.inner_text().startswith("Right.")
    box(tab, NUMBER).get_by_role("textbox").focus()
    tab.keyboard.type(f"{QUESTIONS[NUMBER].answer.value}")
    tab.keyboard.press("Enter")
    said = box(tab, NUMBER).get_by_role("status")
    assert said.inner_text().startswith("Right.")


def test_fields_are_named_for_screen_readers(visit):
    tab = visit()
    groups = tab.locator(".quiz").get_by_role("group")
    first = f"Question {CHOICE + 1} of {len(QUESTIONS)}"
    named = tab.locator(".quiz").get_by_role("group", name=first)
    assert named.count() == 1
    assert groups.locator("legend").count() == len(QUESTIONS)
    field = box(tab, NUMBER).get_by_role("textbox", name="Your answer")
    assert field.count() == 1


def answer_all(tab):
    """Leave verdicts of every kind on the page, and all answers open."""
    choose(tab, 0)
    choose(tab, QUESTIONS[CHOICE].correct)
    write(tab, "123456")
    last = tab.locator(".quiz-question").last
    last.get_by_role("button", name="Check").click()
    tab.get_by_role("button", name="Show all answers").click()


@pytest.mark.parametrize(
    ("size", "scheme"),
    [(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light")],
    ids=["desktop", "dark", "phone"],
)
def test_a_quiz_with_answers_is_accessible_and_fits(visit, size, scheme):
    tab = visit(size=size, color_scheme=scheme)
    answer_all(tab)
    tab.evaluate(SETTLE)
    wide = "document.documentElement.scrollWidth - window.innerWidth"
    assert tab.evaluate(wide) <= 0
    tab.evaluate(ALONE)
    assert axe(tab) == []


def test_on_paper_answers_are_left_out_unless_opened(visit):
    tab = visit()
    choose(tab, 0)
    tab.emulate_media(media="print")
    asked = box(tab, CHOICE)
    assert asked.locator(".quiz-text").is_visible()
    for hidden in (".quiz-answer", ".quiz-feedback", ".quiz-check"):
        assert not asked.locator(hidden).is_visible(), hidden
    assert not tab.locator(".quiz-end").is_visible()
    tab.emulate_media(media="screen")
    tab.get_by_role("button", name="Show all answers").click()
    tab.emulate_media(media="print")
    assert asked.locator(".quiz-key").is_visible()
    tab.emulate_media(media="screen")
    tab.get_by_role("button", name="Hide all answers").click()
    assert not box(tab, NUMBER).locator(".quiz-answer").is_visible()


def test_explanations_show_their_formulas(visit):
    """A formula is drawn in the text, and drawn again where it is shown."""
    tab, one = visit(), QUESTIONS[CHOICE]
    assert "$" in one.options[one.correct].why
    said = choose(tab, one.correct)
    assert said.locator("mjx-container").count() > 0
    assert r"\(" not in said.inner_text()
    twice = "[...document.querySelectorAll('.quiz [id]')].map(e => e.id)"
    ids = tab.evaluate(twice)
    assert len(ids) == len(set(ids))
