"""Linear models: a weighted sum gives the mean, or the log-odds, of y."""

from course.models.linear.descent import Adam, GradientDescent, descend
from course.models.linear.logistic import LogisticRegression
from course.models.linear.regression import LinearRegression

__all__ = [
    "Adam",
    "GradientDescent",
    "LinearRegression",
    "LogisticRegression",
    "descend",
]
