"""One door to all the data of the course; most of it needs no network.

Embedded and real: `digits`, `faces`, `photographs`, `patches`, `iris`, `wine`,
`breast_cancer`, `prose`. Generated, with the truth known: `Moons`, `Rings`,
`Pinwheel`, `GaussianGrid`, `Brackets`, `glyphs`, `captioned_glyphs`; hidden
chains `casino`, `weather`, `islands`, `motif`. Downloaded once and kept:
`mnist`, `fashion_mnist`, `olivetti`, `lfw`.

Images are float32 in [0, 1], channels first; labels are int64. Every call
returns fresh arrays.
"""

from course.data.brackets import Brackets
from course.data.captions import Captioned, captioned_glyphs
from course.data.densities import GaussianGrid, Pinwheel
from course.data.downloads import fashion_mnist, mnist
from course.data.hmms import HiddenChain, casino, islands, motif, weather
from course.data.images import digits, faces, patches, photographs
from course.data.interactions import Interactions, PlantedTastes, hold_out
from course.data.labelled_text import Texts, labelled_prose, newsgroups
from course.data.lettering import FONTS, draw_glyph, glyphs
from course.data.movielens import MOVIELENS, Ratings, movielens
from course.data.networks import Network, alarm_sized, asia, sprinkler
from course.data.polar import Moons, Rings
from course.data.portraits import lfw, olivetti
from course.data.sources import FASHION_MNIST, MNIST, Source
from course.data.tables import Table, breast_cancer, iris, wine
from course.data.text import Vocabulary, prose

__all__ = [
    "FASHION_MNIST",
    "FONTS",
    "MNIST",
    "MOVIELENS",
    "Brackets",
    "Captioned",
    "GaussianGrid",
    "HiddenChain",
    "Interactions",
    "Moons",
    "Network",
    "Pinwheel",
    "PlantedTastes",
    "Ratings",
    "Rings",
    "Source",
    "Table",
    "Texts",
    "Vocabulary",
    "alarm_sized",
    "asia",
    "breast_cancer",
    "captioned_glyphs",
    "casino",
    "digits",
    "draw_glyph",
    "faces",
    "fashion_mnist",
    "glyphs",
    "hold_out",
    "iris",
    "islands",
    "labelled_prose",
    "lfw",
    "mnist",
    "motif",
    "movielens",
    "newsgroups",
    "olivetti",
    "patches",
    "photographs",
    "prose",
    "sprinkler",
    "weather",
    "wine",
]
