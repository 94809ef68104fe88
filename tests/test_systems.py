"""What the documents name is all there, and the course keeps what it says."""

import ast
import hashlib
from functools import cache

import numpy as np
import pytest
import yaml
from sklearn.covariance import MinCovDet
from sklearn.metrics import roc_auc_score

from course.models.gaussian import Gaussian
from tools import chapters, document_map, errata, systems

ENTRIES = systems.read()
FIELDS = yaml.safe_load(systems.FILE.read_text(encoding="utf8"))
LINKS = sorted({link for s in ENTRIES for link in s.treated})
NODES = sorted({node for s in ENTRIES for node in s.tests})
# Their number, and a digest of their names in order: none can be dropped.
SYSTEMS = 63, "1492bbd3bb0d79d22000f4e2816817ea"


@cache
def page(name):
    """A page of the book, read once."""
    return chapters.Page(errata.ROOT / name)


@cache
def functions(file):
    """The functions of a file of tests."""
    tree = ast.parse((errata.ROOT / file).read_text(encoding="utf8"))
    return {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}


def test_no_system_is_missing():
    names = "\n".join(s.name for s in ENTRIES)
    found = hashlib.sha256(names.encode()).hexdigest()[:32]
    assert (len(ENTRIES), found) == SYSTEMS


@pytest.mark.parametrize("system", ENTRIES, ids=lambda s: s.name)
def test_the_sections_that_name_it_exist(system):
    known = {(h.document, h.number) for h in document_map.read()}
    named = {(d, n) for d, numbers in system.named.items() for n in numbers}
    assert named <= known


@pytest.mark.parametrize("link", LINKS)
def test_a_place_exists(link):
    name, _, anchor = link.partition("#")
    assert errata.ROOT / name in chapters.pages(), "the page is not in _toc.yml"
    if anchor:
        assert anchor in page(name).labels


@pytest.mark.parametrize("node", NODES)
def test_a_test_exists(node):
    file, name = node.split("::")
    assert name in functions(file)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"system": 3}, "system must be a str"),
        ({"shows": "a word"}, "a sentence"),
        ({"named": {"005": ["1"]}}, "document: "),
        ({"named": {"000": ["FAQ"]}}, "document: "),
        ({"named": {"000": [1.4]}}, "in quotes"),
        ({"treated": ["mixtures"]}, "anchor"),
        ({"treated": []}, "treated and tests"),
        ({"tests": []}, "treated and tests"),
        ({"tests": ["test_svm.py"]}, "test_name"),
        ({"treated": [], "tests": []}, "not_covered"),
        ({"tets": []}, "unknown"),
    ],
)
def test_a_malformed_system_is_refused(change, complaint, tmp_path):
    path = tmp_path / "systems.yml"
    path.write_text(yaml.safe_dump([FIELDS[0] | change]))
    with pytest.raises(ValueError, match=complaint):
        systems.read(path)


def test_a_system_stands_once(tmp_path):
    path = tmp_path / "systems.yml"
    path.write_text(yaml.safe_dump([FIELDS[0], FIELDS[0]]))
    with pytest.raises(ValueError, match="twice"):
        systems.read(path)


def test_what_is_not_covered_needs_no_place(tmp_path):
    path = tmp_path / "systems.yml"
    path.write_text(
        yaml.safe_dump(
            [
                {
                    "system": "Diffusion",
                    "named": {},
                    "shows": "Nothing.",
                    "not_covered": "It has no chapter yet.",
                }
            ]
        )
    )
    (found,) = systems.read(path)
    assert (found.treated, found.tests, found.part) == ((), (), "")


# -- shown in chapters, and in no other test -----------------------------------


def dirty(seed):
    """270 points of a normal distribution, and 30 far from it."""
    rng, Sigma = np.random.RandomState(seed), [[1.0, 0.8], [0.8, 1.0]]
    clean = rng.multivariate_normal([0, 0], Sigma, size=270)
    return np.r_[clean, 0.5 * rng.randn(30, 2) + [6, -6]]


def test_a_robust_fit_forgives_a_tenth_of_dirt():
    """Maximum likelihood turns the sign of the correlation, and it does not."""
    for seed in range(3):
        x = dirty(seed)
        mle, robust = Gaussian().fit(x), MinCovDet(random_state=0).fit(x)
        assert mle.covariance_[0, 1] < 0 < 0.6 < robust.covariance_[0, 1]
        assert np.linalg.norm(robust.location_) < 0.3
        assert np.linalg.norm(mle.mean_) > 0.6


def test_injected_outliers_have_low_densities():
    """In two dimensions; a fit of clean data tells them from the rest."""
    for seed in range(3):
        x = dirty(seed)
        model = Gaussian().fit(x[:150])
        new, truth = x[150:], np.r_[np.zeros(120), np.ones(30)]
        for score in (-model.score_samples(new), model.mahalanobis(new)):
            assert roc_auc_score(truth, score) > 0.99
