"""Execute every chapter, two at a time, into the cache that the build reads.

`python -m tools.execute` starts from nothing: outputs on the page come from
the package as it is now. With `--draft` it keeps what is still true: chapters
whose cells, and the package they import, have not changed since.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import nbformat
import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import create_nb_reader
from myst_parser.config.main import MdParserConfig

from tools import gate
from tools.kernels import Kernels

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "_build"
CACHE = BUILD / ".jupyter_cache"
EXECUTED = BUILD / "executed"  # notebooks with their outputs, to run again
TIMES = BUILD / "run-times.json"
CELL_SECONDS = 120
FORMATS = {".py": ("course.classroom.page.read_page", {}, False)}  # _config.yml


def pages(root: Path) -> list[str]:
    """The pages of the book, without suffix, in the order of _toc.yml."""

    def walk(node):
        if isinstance(node, list):
            for item in node:
                yield from walk(item)
        elif isinstance(node, dict):
            yield from (node[key] for key in ("root", "file") if key in node)
            for key in ("parts", "chapters", "sections"):
                yield from walk(node.get(key, []))

    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf8"))
    return list(walk(toc))


def source(page: str, root: Path) -> Path:
    """The file of a page: text of the book, or an exercise sheet."""
    sheet = root / f"{page}.py"
    return sheet if sheet.is_file() else root / f"{page}.md"


def read(page: str, root: Path):
    """The notebook that the build will see; None for a page without cells."""
    path = source(page, root)
    text = path.read_text(encoding="utf8")
    config = type("Config", (), {"custom_formats": FORMATS})()
    reader = create_nb_reader(str(path), MdParserConfig(), config, text)
    return reader and reader.read(text)


def ingredients(root: Path) -> str:
    """A digest of everything but its own cells that a chapter's output uses."""
    digest = hashlib.sha256()
    files = [root / "requirements.txt", root / "constraints.txt"]
    for path in sorted([*files, *(root / "course").rglob("*.py")]):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def drop_stale_cache(*, root: Path = ROOT, draft: bool = True) -> None:
    """Empty the cache, if drafting only where the package has changed."""
    mark, now = CACHE / "ingredients.txt", ingredients(root)
    if draft and mark.is_file() and mark.read_text() == now:
        return
    shutil.rmtree(CACHE, ignore_errors=True)
    shutil.rmtree(EXECUTED, ignore_errors=True)
    CACHE.mkdir(parents=True)
    mark.write_text(now)


def run(page: str, root: Path):
    """Execute one page from top to bottom in a kernel of its own."""
    gate.enter()
    folder = (root / page).parent
    return single_nb_execution(
        read(page, root),
        cwd=str(folder),
        timeout=CELL_SECONDS,
        allow_errors=False,
        meta_override=True,
        kernel_manager_class=Kernels,
    )


def due(*, draft: bool, root: Path) -> list[str]:
    """The pages to run, those that took longest last time first."""
    cache, wanted = get_cache(str(CACHE)), []
    known = {record.hashkey for record in cache.list_cache_records()}
    for page in pages(root):
        notebook = read(page, root)
        if notebook is None:
            continue
        if not draft or cache.create_hashed_notebook(notebook)[1] not in known:
            wanted.append(page)
    times = json.loads(TIMES.read_text()) if TIMES.is_file() else {}
    return sorted(wanted, key=lambda page: -times.get(page, 1e6))


def keep(page: str, notebook) -> None:
    """Keep an executed notebook, for the second run that must equal it."""
    target = EXECUTED / f"{page}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)


def execute(*, jobs: int, draft: bool, root: Path = ROOT) -> int:
    """Run what is due, `jobs` at a time; return the number of failures."""
    drop_stale_cache(draft=draft, root=root)
    cache, failures = get_cache(str(CACHE)), 0
    times = json.loads(TIMES.read_text()) if TIMES.is_file() else {}
    wanted = due(draft=draft, root=root)
    context = get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        results = {pool.submit(run, page, root): page for page in wanted}
        for future in as_completed(results):
            page, result = results[future], future.result()
            print(f"{result.time:6.1f} s  {page}", flush=True)
            if result.err is not None:
                failures += 1
                print(result.exc_string, file=sys.stderr, flush=True)
                continue
            times[page] = round(result.time, 1)
            keep(page, result.nb)
            cache.cache_notebook_bundle(
                CacheBundleIn(
                    result.nb,
                    str(source(page, root)),
                    data={"execution_seconds": result.time},
                ),
                check_validity=False,
                overwrite=True,
            )
    TIMES.write_text(json.dumps(times, indent=1, sort_keys=True))
    return failures


def main() -> None:
    """Read the command line; fail if a chapter fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--draft", action="store_true")
    options = parser.parse_args()
    gate.enter()
    failures = execute(jobs=options.jobs, draft=options.draft)
    if failures:
        sys.exit(f"{failures} chapter(s) failed: see the tracebacks above")


def setup(app) -> dict:
    """As a Sphinx extension: no build shows outputs of another package."""
    app.connect("builder-inited", lambda app: drop_stale_cache())
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    main()
