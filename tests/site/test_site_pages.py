"""What the built pages say, read without a browser."""

import html
import json
import re
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import nbformat
import pytest

from tools import addresses, course_api, notebooks
from tools import chapters as contents

pytestmark = pytest.mark.site
ROOT = addresses.ROOT
SITE = ROOT / "_build" / "html"
MADE = {"search.html", "404.html", "genindex.html", "py-modindex.html"}
PARTIAL = {"prf-prf.html"}  # an index that sphinx-proof makes and none links
CHAPTERS = contents.chapters()


def local(name, link):
    """The file and the anchor that a link of a page leads to; None abroad."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc or link.startswith(("javascript:", "#!")):
        return None
    path, anchor = urldefrag(urljoin(f"/{name}", link))
    return unquote(path.partition("?")[0]).lstrip("/"), unquote(anchor)


def chapters(pages):
    """The built pages of the chapters."""
    for path in CHAPTERS:
        name = path.relative_to(ROOT).with_suffix(".html").as_posix()
        yield path, name, pages[name]


def test_every_page_of_the_contents_is_built(pages):
    toc = course_api.yaml.safe_load((ROOT / "_toc.yml").read_text())
    missing = {
        page
        for page in [toc["root"], *course_api.pages(toc)]
        if f"{page}.html" not in pages
    }
    assert not missing


def test_every_picture_says_what_it_shows(pages):
    silent = []
    for name, page in pages.items():
        for image in page.all("img"):
            alt = image.get("alt")
            classes = image.get("class") or ""
            if alt == "" and "logo__image" in classes:  # its text is beside it
                continue
            source = image.get("src", "")
            file = source.rsplit("/", 1)[-1].rsplit(".", 1)[0]
            if not alt or file in alt or re.search(r"\.(png|svg|jpe?g)$", alt):
                silent.append(f"{name}: {source} says {alt!r}")
    assert not silent


def test_pictures_of_cells_are_described_in_a_sentence(pages):
    short = [
        f"{name}: {image['alt']!r}"
        for _, name, page in chapters(pages)
        for image in page.all("img")
        if "_images/" in image.get("src", "") and len(image["alt"]) < 30
    ]
    assert not short


def test_links_and_anchors_lead_somewhere(pages):
    ids = {name: set(page.ids) for name, page in pages.items()}
    dead = []
    for name, page in pages.items():
        if name == "404.html":  # its links are absolute, for any folder
            continue
        for link in [a["href"] for a in page.all("a") if a.get("href")]:
            target = local(name, link)
            if target is None:
                continue
            path, anchor = target
            path = path or "index.html"
            if not (SITE / path).is_file():
                dead.append(f"{name}: {link}")
            elif anchor and path in ids and anchor not in ids[path]:
                dead.append(f"{name}: {link} has no such place")
    assert not dead


def test_files_that_pages_load_exist(pages):
    missing = []
    for name, page in pages.items():
        sources = [(a.get("src")) for _, a in page.elements]
        sources += [a.get("href") for a in page.all("link")]
        for source in filter(None, sources):
            target = local(name, source)
            prefix = urlsplit(addresses.site(addresses.repository())).path
            if target and name == "404.html":
                target = (target[0].removeprefix(prefix.lstrip("/")), "")
            if target and target[0] and not (SITE / target[0]).is_file():
                missing.append(f"{name}: {source}")
    assert not missing


def test_ids_are_unique(pages):
    twice = []
    for name, page in pages.items():
        ids = page.ids
        twice += [f"{name}: {i}" for i in {i for i in ids if ids.count(i) > 1}]
    assert not twice


def test_every_page_has_one_heading_a_title_and_a_description(pages):
    poor = []
    for name, page in pages.items():
        if name in PARTIAL | {"index.html"}:  # the latter only leads on
            continue
        # once for readers, once for print, where it has no number
        headings = [h.strip(" #\n.0123456789") for h in page.h1]
        headings = [h for h in headings if h]
        if len(set(headings)) != 1:
            poor.append(f"{name}: headings {headings}")
        if not page.all("title"):
            poor.append(f"{name}: no title")
        described = any(
            meta.get("name") == "description"
            and meta.get("content", "").strip()
            for meta in page.all("meta")
        )
        if name not in MADE and not described:
            poor.append(f"{name}: no description")
    assert not poor


def test_pages_say_their_language(pages):
    languages = {
        page.all("html")[0].get("lang")
        for name, page in pages.items()
        if name != "index.html"  # the address / only leads on
    }
    assert languages == {"en"}


def test_no_page_shows_an_error_or_an_unresolved_mark(pages):
    bad = []
    marks = re.compile(
        r'system-message|class="problematic"|\{(?:eq|ref|numref|term|cite(?::\w)?|erratum)\}`'
    )
    for name, page in pages.items():
        text = page.path.read_text(encoding="utf-8")
        bad += [f"{name}: {found}" for found in marks.findall(text)]
    assert not bad


def test_no_page_names_another_host_for_what_it_loads(pages):
    """Links may lead away; scripts, styles and pictures may not."""
    outside = []
    for name, page in pages.items():
        loads = [a.get("src") for _, a in page.elements]
        loads += [
            a.get("href")
            for a in page.all("link")
            if a.get("rel") not in ("canonical", "author", "alternate")
        ]
        outside += [f"{name}: {u}" for u in filter(None, loads) if "//" in u]
        text = page.path.read_text(encoding="utf-8")
        outside += [
            f"{name}: {host}"
            for host in ("jsdelivr", "unpkg.com", "cloudflare", "googleapis")
            if host in text
        ]
    assert not outside


def test_icons_are_fonts_and_not_half_a_megabyte_of_script(pages):
    assert not list(SITE.rglob("fontawesome*.js"))
    assert all(
        "fontawesome.js" not in str(page.all("script"))
        for page in pages.values()
    )


def test_the_site_stays_light(pages):
    files = [p for p in (SITE / "_static").rglob("*") if p.is_file()]
    assert sum(p.stat().st_size for p in files) < 9e6
    assert max(p.stat().st_size for p in files) < 1.5e6
    assert (SITE / "searchindex.js").stat().st_size < 4e6
    heavy = [p for p in (SITE / "_images").rglob("*") if p.stat().st_size > 6e5]
    assert not heavy


def test_buttons_of_a_chapter_lead_to_its_notebook(pages):
    repository = addresses.repository()
    for path, name, page in chapters(pages):
        stem = name.removesuffix(".html")
        links = [a.get("href", "") for a in page.all("a")]
        assert f"../../_notebooks/{stem}.ipynb" in links
        assert addresses.colab(repository, stem) in links
        assert addresses.binder(repository, stem) in links
        assert f"{repository}/edit/main/{path.relative_to(ROOT)}" in links
        assert repository in links
        assert any(f"{repository}/issues/new" in link for link in links)


def test_raw_notebooks_are_not_published():
    assert not list((SITE / "_sources").rglob("*.ipynb"))


def test_pages_with_code_and_notebooks_are_the_same(pages):
    executed = ROOT / "_build" / "executed"
    clean = SITE / "_notebooks"
    assert {p.relative_to(executed) for p in executed.rglob("*.ipynb")} == {
        p.relative_to(clean) for p in clean.rglob("*.ipynb")
    }


@pytest.mark.parametrize(
    "path",
    sorted((SITE / "_notebooks").rglob("*.ipynb")),
    ids=lambda p: p.stem,
)
def test_notebooks_are_clean(path):
    original = notebooks.EXECUTED / path.relative_to(notebooks.SITE)
    assert notebooks.complaints(path, original) == []


def test_notebooks_number_their_formulas_as_the_page_does(pages):
    for _, name, page in chapters(pages):
        clean = SITE / "_notebooks" / name.replace(".html", ".ipynb")
        text = "".join(
            cell.source
            for cell in nbformat.read(clean, as_version=4).cells
            if cell.cell_type == "markdown"
        )
        shown = page.path.read_text(encoding="utf-8")
        numbers = re.findall(r'class="eqno">\(([\d.]+)\)', shown)
        assert numbers
        assert re.findall(r"\\tag\{([\d.]+)\}", text) == numbers


def test_every_public_name_is_on_a_page_of_the_package(pages):
    ids = {i for page in pages.values() for i in page.ids}
    missing = set(course_api.documented().values()) - ids
    assert not missing


def test_names_link_to_the_chapter_that_introduces_them(pages):
    text = pages["book/api.html"].path.read_text(encoding="utf-8")
    known = course_api.documented()
    introduced = course_api.introductions(ROOT).items()
    shown = {page for name, page in introduced if ".".join(name) in known}
    assert {f"book/{p.parent.name}/{p.stem}" for p in CHAPTERS} <= shown
    for page in shown:
        target = page.removeprefix("book/")
        assert re.search(rf"Introduced in.{{0,90}}{target}\.html", text, re.S)


def test_search_index_knows_the_words_of_the_course():
    text = (SITE / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    words = index["terms"].keys() | index["titleterms"].keys()
    for stem in ("mixtur", "respons", "encod", "likelihood"):
        assert any(word.startswith(stem) for word in words), stem


def test_index_and_sitemap_list_the_chapters(pages):
    sitemap = (SITE / "sitemap.xml").read_text(encoding="utf-8")
    index = pages["genindex.html"].path.read_text(encoding="utf-8")
    for _, name, _ in chapters(pages):
        assert addresses.site(addresses.repository()) + name in sitemap
        assert html.escape(name) in index


def test_run_times_are_listed(pages):
    text = pages["book/run-times.html"].path.read_text(encoding="utf-8")
    for _, name, _ in chapters(pages):
        assert name.removeprefix("book/").removesuffix(".html") in text


def test_figures_and_formulas_of_chapters_have_numbers(pages):
    for path, _, page in chapters(pages):
        shown = page.path.read_text(encoding="utf-8")
        labels = re.findall(r"^\s*name: (fig-[\w-]+)", path.read_text(), re.M)
        assert shown.count('class="caption-number"') >= len(labels)
        assert set(labels) <= set(page.ids)
