"""Decision trees, with all cuts of a level compared at once."""

from course.models.tree.classifier import DecisionTreeClassifier

__all__ = ["DecisionTreeClassifier"]
