"""Messages for translators, one for each paragraph: _build/gettext.

A translation comes later; its catalogues are built from the first day, so
that a construct which cannot be translated is noticed when it is written.
Cells are not executed again: the cache of the build serves.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools import addresses, gate

BUILD = addresses.ROOT / "_build"
TARGET = BUILD / "gettext"
WORK = BUILD / "l10n"


def main() -> None:
    """Build the catalogues; fail on the first warning."""
    gate.enter()
    program = Path(sys.executable).parent / "jupyter-book"
    command = [
        *(str(program), "build", ".", "--all", "-W", "-n", "--keep-going"),
        *("--builder", "custom", "--custom-builder", "gettext"),
        *("--path-output", str(WORK)),
    ]
    # The doctrees of the site belong to another builder: start without.
    shutil.rmtree(WORK, ignore_errors=True)
    code = subprocess.run(
        command, cwd=addresses.ROOT, env=os.environ, check=False
    ).returncode
    if code:
        sys.exit(code)
    shutil.rmtree(TARGET, ignore_errors=True)
    shutil.move(WORK / "_build" / "gettext", TARGET)
    shutil.rmtree(WORK)
    count = sum(1 for _ in TARGET.rglob("*.pot"))
    print(f"{count} catalogues in {TARGET.relative_to(addresses.ROOT)}")


if __name__ == "__main__":
    main()
