"""Local Sphinx extension: a deck of slides for every chapter.

Decks are written at the end of the build, from its pages, to `slides/` beside
`book/`; the box that opens a chapter links to its own.
"""

import html
import json
from pathlib import Path

from docutils import nodes
from jinja2 import Environment, FileSystemLoader

from tools import addresses, chapters
from tools.slide_text import deck_name
from tools.slides import Chapter

TEMPLATES = addresses.ROOT / "book" / "_templates"


def pages(root: Path = addresses.ROOT) -> list[str]:
    """The chapters, as _toc.yml names them."""
    return [
        path.relative_to(root).with_suffix("").as_posix()
        for path in chapters.chapters(root)
    ]


def render(chapter: Chapter, mathjax: dict, *, language: str = "en") -> str:
    """The HTML of a deck."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=False
    )
    title = html.escape(chapter.article.h1.get_text().strip())
    return environment.get_template("slides.html").render(
        chapter=chapter,
        slides=chapter.slides(),
        title=title,
        top="../" * chapter.deck.count("/"),
        mathjax=json.dumps(mathjax),
        language=language,
    )


def link(app, doctree, docname: str) -> None:
    """Add to the box that opens a chapter where its slides are."""
    if app.builder.format != "html" or docname not in pages():
        return
    boxes = doctree.findall(nodes.admonition)
    for box in [b for b in boxes if "chapter-box" in b["classes"]]:
        depth = "../" * docname.count("/")
        target = f"{depth}{deck_name(docname)}.html"
        text = "Slides of this chapter"
        place = nodes.reference(text, text, refuri=target, internal=True)
        box += nodes.paragraph("", "", place, classes=["chapter-slides"])


def write(app, exception) -> None:
    """Write the decks of all chapters."""
    if exception is not None or app.builder.format != "html":
        return
    out, config = Path(app.outdir), app.config
    for page in pages():
        source = out / f"{page}.html"
        if not source.is_file():  # a build of some pages only
            continue
        chapter = Chapter(page, source.read_text(encoding="utf-8"))
        text = render(
            chapter, config.mathjax3_config or {}, language=config.language
        )
        target = out / f"{chapter.deck}.html"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def setup(app) -> dict:
    """Register the extension with Sphinx."""
    # after the clean notebook is written, which has no deck beside it
    app.connect("doctree-resolved", link, priority=950)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
