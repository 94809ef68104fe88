"""Companion package of the course Learning to Generate."""
