"""The tiny guest, built from Debian packages by tools/guest-image.sh."""

import subprocess
from pathlib import Path

import mycloud
from mycloud.local.layout import Layout
from mycloud.local.settings import LocalError, Tell

SCRIPT = Path(mycloud.__file__).parents[1] / "tools" / "guest-image.sh"
#: The line on its console that says that it works.
READY = "GUEST READY"


def ensure(layout: Layout, tell: Tell) -> Path:
    """The guest's disk image; built if it is not there, or is older than its script.

    :raises LocalError: it can't be built; says what is missing
    """
    image = layout.guest / "guest.qcow2"
    if not SCRIPT.exists():
        if image.exists():
            return image
        raise LocalError(f"{SCRIPT} is missing: the tiny guest is built from a source tree only")
    if not image.exists() or image.stat().st_mtime < SCRIPT.stat().st_mtime:
        tell("Building the tiny guest image")
        done = subprocess.run(
            [str(SCRIPT), str(layout.guest)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            words = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            raise LocalError(f"The tiny guest can't be built: {words[-1]}")
    return image
