"""One training loop for every neural model of the course.

`train` is the loop, `fit` the short form for a model with a single loss, and
`Checkpoint` what lets a run that was stopped go on as if nothing had happened.
"""

from course.training.checkpoint import Checkpoint
from course.training.fitting import fit
from course.training.loop import Step, Turn, train

__all__ = ["Checkpoint", "Step", "Turn", "fit", "train"]
