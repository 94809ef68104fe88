"""Recommenders: which items a user will like, from what all users took.

A row of X is a user, a column an item; an entry is 0 where the user has not
taken the item, and 1 (or how often) where they have.
"""

from course.models.recommender.als import ImplicitALS
from course.models.recommender.base import Popularity, Recommender
from course.models.recommender.knn import ItemKNN
from course.models.recommender.mult_vae import MultVAE

__all__ = [
    "ImplicitALS",
    "ItemKNN",
    "MultVAE",
    "Popularity",
    "Recommender",
]
