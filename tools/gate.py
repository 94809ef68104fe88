"""The surroundings in which chapters are executed, and executed again.

Sums differ in their last digits with the number of threads, and with them
printed numbers and the bytes of figures. Both runs must therefore agree, and
this is the one place that says on what.
"""

import os

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",  # two chapters run at a time, on two cores
    "PYTHONHASHSEED": "0",
    "TQDM_DISABLE": "1",  # times differ from run to run, so none is printed
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}


def enter() -> None:
    """Put these variables in the environment of this process."""
    os.environ.update(ENVIRONMENT)
