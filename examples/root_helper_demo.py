#!/usr/bin/env python3
"""A root helper with a verb of its own, and a caller that asks it: run it as root.

    $ sudo python examples/root_helper_demo.py
    this is server: process 4711 of user 0, asked by 'client'

It keeps all in a directory of its own, which is removed at the end.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from mycloud.privileged import client

VERB = '''
"""Verbs of the demonstration."""

import os

from mycloud.privileged.arguments import Name
from mycloud.privileged.expose import expose


@expose(touches="nothing", idempotent=True)
def hello(caller: Name) -> str:
    """Say who answers."""
    return f"this is server: process {os.getpid()} of user {os.geteuid()}, asked by {caller!r}"


def not_offered() -> str:
    """No caller reaches what is not marked."""
    return "never"
'''


def main() -> int:
    """Start the helper, call the verb, end it; returns an exit status."""
    if os.geteuid() != 0:
        print("The root helper starts as root only: run this by sudo", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="mycloud-demo-") as folder:
        verbs = Path(folder) / "verbs"
        verbs.mkdir(mode=0o755)
        (verbs / "demonstration.py").write_text(VERB)
        helper = subprocess.Popen(
            [
                sys.executable, "-m", "mycloud.privileged.program", "--state", folder,
                "--user", "root", "--verbs-dir", str(verbs), "--verbs-prefix", "demo",
            ],
            stderr=subprocess.DEVNULL,
        )
        try:
            client.configure(folder)
            # connects as soon as the helper listens
            print(client.call.demo_hello("client"))
            try:
                client.call.demo_not_offered()
            except client.errors.UnknownVerb as error:
                print(f"and nothing else: {error}")
        finally:
            helper.terminate()
            helper.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
