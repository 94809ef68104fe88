"""Learning from a few labels and many points without: graphs, self-training."""

from course.models.semi_supervised.propagation import (
    LabelPropagation,
    LabelSpreading,
)
from course.models.semi_supervised.self_training import SelfTrainingClassifier

__all__ = ["LabelPropagation", "LabelSpreading", "SelfTrainingClassifier"]
