"""The page of errata: searched, filtered, and reached by a link."""

import pytest

from tools import errata

pytestmark = pytest.mark.site
ENTRIES = errata.read()
SHOWN = "dl.erratum:visible"


@pytest.fixture
def tab(browser, address):
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.goto(address + "book/errata.html")
    tab.wait_for_selector(".errata-search")
    yield tab
    tab.close()


def count(tab):
    """How many entries are shown, which the page says too."""
    shown = tab.locator(SHOWN).count()
    says = tab.locator(".errata-count").text_content()
    assert says.startswith(f"{shown} of {len(ENTRIES)} entries"), says
    return shown


def test_at_first_every_entry_is_shown(tab):
    assert count(tab) == len(ENTRIES)


@pytest.mark.parametrize("severity", errata.SEVERITIES)
def test_a_severity_can_be_left_out(tab, severity):
    tab.get_by_role("checkbox", name=severity).uncheck()
    assert count(tab) == sum(e.severity != severity for e in ENTRIES)


def test_one_document_can_be_chosen(tab):
    tab.get_by_label("Document", exact=True).select_option("errata-004")
    assert count(tab) == sum(e.document == "004" for e in ENTRIES)


def test_every_word_must_occur_and_case_does_not_matter(tab):
    search = tab.get_by_role("searchbox", name="Search the entries")
    search.fill(ENTRIES[0].id.lower())
    some = count(tab)
    assert 1 <= some < len(ENTRIES)
    search.fill(f"{ENTRIES[0].id} qqq")
    assert count(tab) == 0
    search.fill("")
    assert count(tab) == len(ENTRIES)


def test_a_link_to_a_hidden_entry_shows_it(tab):
    tab.get_by_role("searchbox", name="Search the entries").fill("qqq")
    assert count(tab) == 0
    tab.evaluate(f"location.hash = '#{ENTRIES[-1].label}'")
    tab.locator(f"#{ENTRIES[-1].label}").wait_for(state="visible")
    assert count(tab) == len(ENTRIES)


def test_without_a_script_every_entry_is_shown(browser, address):
    tab = browser.new_page(java_script_enabled=False)
    tab.goto(address + "book/errata.html")
    assert tab.locator(SHOWN).count() == len(ENTRIES)
    assert tab.locator(".errata-search").count() == 0
    tab.close()
