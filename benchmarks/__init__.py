"""Measurements: each module has a `main` that returns and keeps its results."""
