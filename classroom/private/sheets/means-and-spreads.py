# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Means and spreads
#
# Describe a sample by its centre and its spread, and know what one stray value
# does to them.
#
# You need no chapter for this sheet. It takes about 15 minutes and gives 8
# points. Replace each `raise NotImplementedError` by your own lines, and run
# the cells below them to see what the tests say.

# %%
import numpy as np

# %% [markdown] tags=["exercise"]
# ## Exercise 1 (3 points): mean and standard deviation
#
# Write `mean_and_sd(x)`. It takes an array of N numbers and returns two floats,
# the mean and the standard deviation. Divide the sum of squares by N - 1.


# %% nbgrader={"grade": false, "grade_id": "mean-and-sd", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mean_and_sd(x):
    """Mean of x, and its standard deviation with N - 1 in the denominator."""
    ### BEGIN SOLUTION
    mean = np.sum(x) / len(x)
    return mean, np.sqrt(np.sum((x - mean) ** 2) / (len(x) - 1))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "mean-and-sd-mean", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
assert np.isclose(mean_and_sd(np.array([1.0, 2.0, 6.0]))[0], 3.0), (
    "The mean of 1, 2 and 6 is 3."
)

# %% nbgrader={"grade": true, "grade_id": "mean-and-sd-spread", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
assert np.isclose(mean_and_sd(np.array([0.0, 2.0]))[1], np.sqrt(2)), (
    "The standard deviation of 0 and 2 is the root of 2: divide by N - 1."
)
### BEGIN HIDDEN TESTS
_x = 5 + 3 * np.random.default_rng(0).standard_normal(50)
assert np.isclose(mean_and_sd(_x)[1], np.std(_x, ddof=1)), (
    "The spread of a longer sample around another centre is off."
)
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 2 (3 points): the spread that a stray value leaves alone
#
# Write `median_deviation(x)`. It takes an array of N numbers and returns one
# float, the median of the distances of all numbers from their median.


# %% nbgrader={"grade": false, "grade_id": "median-deviation", "locked": false, "schema_version": 3, "solution": true, "task": false}
def median_deviation(x):
    """Median distance of the numbers in x from their median."""
    ### BEGIN SOLUTION
    return np.median(np.abs(x - np.median(x)))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "median-deviation-value", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
assert np.isclose(median_deviation(np.array([1.0, 2.0, 4.0, 9.0])), 1.5), (
    "For 1, 2, 4 and 9 the distances from the median 3 are 2, 1, 1 and 6; "
    "their median lies between 1 and 2."
)
### BEGIN HIDDEN TESTS
_x = np.random.default_rng(1).standard_normal(21)
_far = np.where(_x == _x.max(), 1000.0, _x)
assert np.isclose(median_deviation(_far), median_deviation(_x)), (
    "One number far away must not change the result."
)
assert np.isclose(median_deviation(-7 + 2 * _x), 2 * median_deviation(_x)), (
    "A sample twice as wide must give twice the result, wherever its centre."
)
### END HIDDEN TESTS

# %% [markdown] tags=["exercise"]
# ## Exercise 3 (2 points): which of the two
#
# One sensor in a hundred sends a number that means nothing. Which of the two
# spreads do you report, and what do you lose by it? Two or three sentences.

# %% [markdown] nbgrader={"grade": true, "grade_id": "which-spread", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# The median deviation, because a few wild numbers move the standard deviation
# as far as they like and leave the median of the distances almost where it was.
# Without wild numbers it wastes data: from the same sample it is the less
# certain of the two.
