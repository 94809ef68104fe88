"""Lossless coding: from the probabilities of a model to bits, and back.

`integer_frequencies` turns probabilities into whole numbers that both sides can
share. A `Message` is a stack of bits onto which symbols are pushed by such
frequencies (`course.coding.rans`). `BitsBack` codes with a latent variable, and
`NormalBins` makes a normal one discrete.
"""

from course.coding.bins import NormalBins
from course.coding.bits_back import BitsBack
from course.coding.frequencies import information, integer_frequencies
from course.coding.rans import Message

__all__ = [
    "BitsBack",
    "Message",
    "NormalBins",
    "information",
    "integer_frequencies",
]
