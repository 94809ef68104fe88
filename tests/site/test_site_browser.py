"""What a reader meets: every page in a browser, light, dark and on a phone."""

import re

import pytest

from tools import addresses

pytestmark = pytest.mark.site
SHOTS = addresses.ROOT / "_build" / "screenshots"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
SCREENS = {
    "desktop": (DESKTOP, "light"),
    "dark": (DESKTOP, "dark"),
    "phone": (PHONE, "light"),
}
READY = "document.documentElement.dataset.courseReady === 'yes'"
NOT_READ = {"index.html", "prf-prf.html"}  # one leads on, one is not linked

LOOK = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  return {
    overflow: document.documentElement.scrollWidth - window.innerWidth,
    broken: [...document.images].filter((i) => !i.naturalWidth)
      .map((i) => i.src),
    raw: all(".math").filter((m) => !m.querySelector("mjx-container"))
      .map((m) => m.textContent),
    failed: all("mjx-merror").map((m) => m.textContent),
    stuck: all(".bd-article pre, .bd-article .output, .math mjx-container")
      .filter((box) => box.scrollWidth > box.clientWidth + 8
        && getComputedStyle(box).overflowX !== "visible"
        && !box.closest("[tabindex='0']"))
      .map((box) => box.outerHTML.slice(0, 90)),
  };
}"""

# Axe takes half a minute for a chapter, nearly all of it for boxes that say
# the same again and again: the strokes of formulas as they are drawn, which
# are hidden from screen readers (what these hear stays), and the words of
# programs. Contrast, its slowest rule, it judges on one text of each kind:
# colour, ground, size and weight.
THIN = """() => {
  for (const drawing of document.querySelectorAll("mjx-math")) {
    const { width, height } = drawing.getBoundingClientRect();
    drawing.replaceChildren();
    drawing.style.cssText =
      `display: inline-block; width: ${width}px; height: ${height}px`;
  }
  const seen = new Set();
  for (const word of document.querySelectorAll(".highlight span")) {
    if (word.querySelector("span")) continue;
    if (seen.has(word.className)) word.replaceWith(word.textContent);
    seen.add(word.className);
  }
}"""

MARK = """() => {
  const under = (box) => {
    const colour = box && getComputedStyle(box).backgroundColor;
    const clear = /rgba\\(.*, 0\\)/.test(colour);
    return box && clear ? under(box.parentElement) : colour;
  };
  const seen = new Set();
  for (const box of document.body.querySelectorAll("*")) {
    box.removeAttribute("data-course-kind");
    const text = [...box.childNodes]
      .some((node) => node.nodeType === 3 && node.data.trim());
    if (!text || !box.getClientRects().length) continue;
    const look = getComputedStyle(box);
    const kind = [look.color, under(box), look.fontSize, look.fontWeight,
      look.opacity].join();
    if (seen.has(kind)) continue;
    seen.add(kind);
    box.setAttribute("data-course-kind", "");
  }
}"""


# A slow machine may still be moving the columns when a screen has changed.
SETTLE = """async () => {
  const frame = () => new Promise((done) =>
    requestAnimationFrame(() => setTimeout(done, 60)));
  const widths = () => [...document.querySelectorAll(".bd-article *")]
    .map((box) => [box.clientWidth, box.scrollWidth]).join();
  for (let before; before !== widths(); await frame()) {
    before = widths();
  }
  courseMarkBoxes();
  await frame();
}"""


class Visit:
    """One page, loaded once, and everything that it asked for."""

    def __init__(self, browser, url):
        self.tab = browser.new_page(viewport=DESKTOP, color_scheme="light")
        self.outside, self.errors = [], []
        self.tab.on("request", self.on_request)
        self.tab.on("pageerror", lambda e: self.errors.append(str(e)))
        self.tab.on("console", self.on_console)
        self.tab.on("response", self.on_response)
        self.tab.goto(url)
        self.tab.wait_for_function(READY)
        # pictures further down are loaded when they are needed
        self.tab.evaluate(
            "document.querySelectorAll('img').forEach(i => i.loading = 'eager')"
        )
        self.tab.wait_for_function(
            "[...document.images].every(i => i.complete)"
        )

    def on_request(self, request):
        """Note what is asked of another machine."""
        if not request.url.startswith(("http://127.0.0.1", "data:", "blob:")):
            self.outside.append(request.url)

    def on_response(self, response):
        """Note a file of the site that is missing."""
        if response.status >= 400:
            self.errors.append(f"{response.status} {response.url}")

    def on_console(self, message):
        """Note what the browser complains about."""
        if message.type == "error":
            self.errors.append(message.text)

    def turn(self, viewport, scheme):
        """Show the page on another screen, without loading it again."""
        self.tab.set_viewport_size(viewport)
        self.tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        self.tab.evaluate(SETTLE)


def axe(tab):
    """The violations that axe finds, in a line each."""
    from axe_playwright_python.sync_playwright import Axe

    tab.evaluate(MARK)
    # axe would look for styles that a style imports in the wrong folder
    options = {"resultTypes": ["violations"], "preload": False}
    contrast = {"runOnly": ["color-contrast"]}
    others = {"rules": {"color-contrast": {"enabled": False}}}
    kinds = {"include": [["[data-course-kind]"]]}
    found = []
    for context, chosen in ((None, others), (kinds, contrast)):
        result = Axe().run(tab, context=context, options=options | chosen)
        found += result.response["violations"]
    return [
        f"{v['id']} ({v['impact']}): {node['target']} {node['html'][:120]}"
        for v in found
        for node in v["nodes"][:3]
    ]


def names():
    site = addresses.ROOT / "_build" / "html"
    found = (p.relative_to(site).as_posix() for p in site.rglob("*.html"))
    kept = set(found) - NOT_READ - {"404.html"}
    return sorted(n for n in kept if not n.startswith("slides/"))


@pytest.mark.parametrize("name", names())
def test_page_for_every_reader(browser, address, name):
    """Nothing outside, no error, all set, no axe violation, three screens."""
    visit, faults = Visit(browser, address + name), []
    for screen, (viewport, scheme) in SCREENS.items():
        visit.turn(viewport, scheme)
        look = visit.tab.evaluate(LOOK)
        faults += [f"{screen}: {k}: {v}" for k, v in look.items() if v]
        path = SHOTS / screen / f"{name.removesuffix('.html')}.jpeg"
        path.parent.mkdir(parents=True, exist_ok=True)
        visit.tab.screenshot(path=path, full_page=True, quality=70)
    visit.tab.evaluate(THIN)
    for screen, (viewport, scheme) in SCREENS.items():
        visit.turn(viewport, scheme)
        faults += [f"{screen}: {line}" for line in axe(visit.tab)]
    visit.tab.close()
    assert not faults
    assert not visit.outside
    assert not visit.errors


@pytest.fixture
def phone(browser, address):
    tab = browser.new_page(
        viewport=PHONE, has_touch=True, is_mobile=True, color_scheme="light"
    )
    tab.goto(address + "book/glossary.html")
    tab.wait_for_function(READY)
    yield tab
    tab.close()


def test_menu_button_opens_the_contents_on_a_phone(phone):
    menu = phone.locator(".bd-sidebar-primary").last
    link = menu.get_by_role("link", name="Notation")
    assert not link.is_visible()
    phone.locator("button.primary-toggle").first.tap()
    link.wait_for(state="visible", timeout=30000)
    link.tap()
    phone.wait_for_url(re.compile("notation"))


def test_dark_switch_changes_the_page(browser, address):
    tab = browser.new_page(viewport=DESKTOP, color_scheme="light")
    tab.goto(address + "book/glossary.html")
    tab.wait_for_function(READY)
    theme = "document.documentElement.dataset.theme"
    colour = "getComputedStyle(document.body).backgroundColor"
    seen = {tab.evaluate(theme): tab.evaluate(colour)}
    for _ in range(2):
        tab.locator(".article-header-buttons .theme-switch-button").click()
        seen[tab.evaluate(theme)] = tab.evaluate(colour)
    tab.close()
    assert seen.keys() == {"light", "dark"}
    assert seen["light"] != seen["dark"]


@pytest.mark.parametrize("word", ["responsibility", "mixture"])
def test_search_finds(browser, address, word):
    tab = browser.new_page(viewport=DESKTOP)
    tab.goto(f"{address}search.html?q={word}")
    # Results come one by one while the texts of the pages are fetched.
    found = tab.locator('#search-results li a[href*="mixtures"]')
    found.first.wait_for(timeout=300000)
    tab.close()


def test_wide_boxes_can_be_scrolled_with_the_keyboard(browser, address):
    tab = browser.new_page(viewport=PHONE)
    tab.goto(address + "book/probabilistic/mixtures.html")
    tab.wait_for_function(READY)
    wide = tab.locator("div.math > .course-wide").first
    wide.focus()
    before = wide.evaluate("box => box.scrollLeft")
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
    box = wide.element_handle()
    tab.wait_for_function("box => box.scrollLeft > 0", arg=box)
    tab.close()
    assert before == 0


def test_address_that_does_not_exist_shows_a_helpful_page(pages):
    page = pages["404.html"]
    styles = [
        a["href"] for a in page.all("link") if a.get("rel") == "stylesheet"
    ]
    prefix = addresses.site(addresses.repository()).split(".io", 1)[1]
    assert styles
    assert all(style.startswith(prefix) for style in styles)
