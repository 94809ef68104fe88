"""Every address of the site, derived from one setting: the repository's URL.

A fork changes `repository.url` in `_config.yml` and nothing else.
"""

from pathlib import Path
from urllib.parse import urlsplit

import yaml

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK_BRANCH = "notebooks"  # holds the clean notebooks, published from CI


def repository() -> str:
    """The address of the repository, as `_config.yml` gives it."""
    text = (ROOT / "_config.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text)["repository"]["url"].rstrip("/")


def owner_and_name(url: str) -> tuple[str, str]:
    """("who", "what") of https://github.com/who/what.

    Raises:
        ValueError: the address has no owner and name.
    """
    parts = urlsplit(url).path.strip("/").removesuffix(".git").split("/")
    if len(parts) != 2 or not all(parts):
        raise ValueError(
            f"repository.url must read https://host/owner/name, not {url!r}: "
            "correct it in _config.yml"
        )
    return parts[0], parts[1]


def site(url: str) -> str:
    """The address of the site: GitHub Pages of this repository."""
    owner, name = owner_and_name(url)
    return f"https://{owner.lower()}.github.io/{name}/"


def colab(url: str, page: str) -> str:
    """Colab, opening the clean notebook of a page such as book/notation."""
    owner, name = owner_and_name(url)
    return (
        "https://colab.research.google.com/github/"
        f"{owner}/{name}/blob/{NOTEBOOK_BRANCH}/{page}.ipynb"
    )


def binder(url: str, page: str) -> str:
    """Binder, opening the clean notebook of a page."""
    owner, name = owner_and_name(url)
    return (
        f"https://mybinder.org/v2/gh/{owner}/{name}/{NOTEBOOK_BRANCH}"
        f"?urlpath=lab/tree/{page}.ipynb"
    )
