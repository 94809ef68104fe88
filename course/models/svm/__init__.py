"""Support vector machines with kernels, by their dual problem."""

from course.models.svm.classifier import SVC
from course.models.svm.kernels import KERNELS

__all__ = ["KERNELS", "SVC"]
