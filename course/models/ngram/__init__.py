"""N-gram models of strings: the next symbol from the few before it."""

from course.models.ngram.model import NGram

__all__ = ["NGram"]
