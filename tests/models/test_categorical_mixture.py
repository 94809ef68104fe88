"""Mixtures of categoricals against enumeration and a plain loop."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from course.models.mixture import CategoricalMixture


@parametrize_with_checks([CategoricalMixture()])
def test_is_a_scikit_learn_estimator(estimator, check):
    check(estimator)
