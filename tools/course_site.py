"""Local Sphinx extension: a site that stands alone and that all can use.

It ships MathJax with the site, derives addresses from the repository's,
points the buttons to the clean notebooks, and repairs what the tools under
it get wrong for keyboards and screen readers.
"""

import importlib.util
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from docutils import nodes

from tools import addresses

# What a browser may ask MathJax for: the component, its fonts, and the
# extensions that it loads when a formula needs one.
MATHJAX_PARTS = (
    "tex-chtml.js",
    "output/chtml/fonts/woff-v2",
    "input/tex/extensions",
)


def mathjax_folder() -> Path:
    """Where pip put the files of MathJax 3."""
    name = "sphinx-mathjax-offline"  # dashes: it cannot be imported by name
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(
            f"the package {name} is missing: pip install -r requirements.txt"
        )
    return Path(spec.origin).parent / "static" / "mathjax"


def copy_mathjax(target: Path) -> None:
    """Copy the parts of MathJax that pages use into `target`."""
    source = mathjax_folder()
    for part in MATHJAX_PARTS:
        here, there = source / part, target / part
        there.parent.mkdir(parents=True, exist_ok=True)
        if here.is_dir():
            shutil.copytree(here, there, dirs_exist_ok=True)
        else:
            shutil.copy2(here, there)


def derive_addresses(app, config) -> None:
    """Set every address that follows from the repository's."""
    repository = config.html_theme_options["repository_url"]
    site = addresses.site(repository)
    config.html_baseurl = config.html_baseurl or site
    config.ogp_site_url = config.html_baseurl
    config.notfound_urls_prefix = urlsplit(config.html_baseurl).path


def repair_signature(match: re.Match) -> str:
    """A signature of many lines, in lines: a list of definitions it is not."""
    text = match[0]
    for tag, name in (("dl", "sig-lines"), ("dd", "sig-line")):
        text = text.replace(f"<{tag}>", f'<span class="{name}">')
        text = text.replace(f"</{tag}>", "</span>")
    return text


def repair_body(body: str) -> str:
    """Mend what the markup of a page says to a screen reader."""
    # The visible text of a fold is its name.
    body = body.replace(
        '<summary aria-label="Toggle hidden content">', "<summary>"
    )
    # docutils writes a bibliography as a list of <div>.
    body = re.sub(
        r'(<div class="citation" id="[^"]*") role="doc-biblioentry"',
        r'\1 role="listitem"',
        body,
    )
    body = re.sub(
        r'<dt class="sig.*?</dt>', repair_signature, body, flags=re.DOTALL
    )
    # An empty corner of a table is the head of nothing.
    body = re.sub(r'<th class="head[^"]*"><p></p></th>', "<td></td>", body)
    # Contents of theorems and exercises share one id; nothing refers to it.
    return re.sub(r' id="(?:exercise|solution|proof)-content"', "", body)


def drop_thebe(app, doctree, docname) -> None:
    """Take out the configuration of a service that the site does not use."""
    for raw in list(doctree.findall(nodes.raw)):
        if "thebe-config" in raw.astext() or "kernelName" in raw.astext():
            raw.parent.remove(raw)


def repair_buttons(groups: list[dict], repository: str, page: str) -> None:
    """Point the buttons of a page to its clean notebook."""
    depth = "../" * page.count("/")
    targets = {
        "Colab": addresses.colab(repository, page),
        "Binder": addresses.binder(repository, page),
        ".ipynb": f"{depth}_notebooks/{page}.ipynb",
    }
    targets[".py"] = targets[".ipynb"]  # of a sheet: its source has answers
    for group in groups:
        for button in group.get("buttons", []):
            if button.get("text") in targets:
                button["url"] = targets[button["text"]]
            if button.get("text") == ".py":
                button["text"] = ".ipynb"


def without_repeats(scripts: list) -> list:
    """The scripts of a page: the theme lists inline ones twice."""
    kept, seen = [], set()
    for script in scripts:
        body = getattr(script, "attributes", {}).get("body")
        if (body and body in seen) or "thebe" in f"{script} {body}".lower():
            continue
        seen.add(body)
        kept.append(script)
    return kept


def repair_page(app, pagename, templatename, context, doctree) -> None:
    """Repair one page before its template is filled in."""
    if "body" in context:
        context["body"] = repair_body(context["body"])
    repository = app.config.html_theme_options["repository_url"]
    repair_buttons(context.get("header_buttons", []), repository, pagename)
    context["css_files"] = [
        css for css in context.get("css_files", []) if "thebe" not in str(css)
    ]
    context["script_files"] = without_repeats(context.get("script_files", []))


FONT_AWESOME = re.compile(
    r'\s*<script defer src="[^"]*scripts/fontawesome\.js[^"]*"></script>'
)


def finish(app, exception) -> None:
    """Add MathJax; drop scripts and sources that no page needs."""
    if exception is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    copy_mathjax(out / "_static" / "mathjax")
    for page in out.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        # The icons are web fonts; half a megabyte of script draws them again.
        page.write_text(FONT_AWESOME.sub("", text), encoding="utf-8")
    for pattern in (
        "scripts/fontawesome.js*",
        "sphinx-thebe.*",
        "*macros.html",
    ):
        for unused in (out / "_static").glob(pattern):
            unused.unlink()
    # The theme's copies hold directives as text: see tools.notebooks. Those of
    # exercise sheets hold answers and hidden tests.
    for pattern in ("*.ipynb", "*.py*"):
        for raw in (out / "_sources").rglob(pattern):
            raw.unlink()


def setup(app) -> dict:
    """Register the extension with Sphinx."""
    app.connect("config-inited", derive_addresses, priority=100)
    app.connect("doctree-resolved", drop_thebe, priority=800)
    app.connect("html-page-context", repair_page, priority=900)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
