"""K-means: centres by Lloyd's iterations, restarts as one batch."""

from course.models.kmeans.estimator import KMeans

__all__ = ["KMeans"]
