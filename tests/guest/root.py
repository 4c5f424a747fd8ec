"""The root helper of the guest (run.sh), which also does what a test itself does as root."""

import os
from pathlib import Path

from mycloud.privileged import client, errors

STATE = Path(os.environ["MYCLOUD_GUEST_STATE"])
client.configure(STATE)


def run(*command):
    """What a program of the system says to root; it must succeed."""
    words = [str(word) for word in command]
    try:
        return client.call.test_run(words)
    except errors.ProgramFailed as error:
        raise AssertionError(f"{' '.join(words)}: {error.details['stderr']}") from error
