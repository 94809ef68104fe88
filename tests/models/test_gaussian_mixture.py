"""Gaussian mixtures against scikit-learn, SciPy and their own definition."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from course.models.mixture import GaussianMixture

KINDS = ("full", "tied", "diag", "spherical")


@parametrize_with_checks([GaussianMixture()])
def test_is_a_scikit_learn_estimator(estimator, check):
    check(estimator)
