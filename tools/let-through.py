#!/usr/bin/env python3
"""Let a user pass through the directories above the sources that are closed to it.

    tools/let-through.py USER

It may pass, not list: an entry of their access lists, which 'setfacl -x u:USER DIRECTORY'
takes away. What it changes it tells. Exit status: 0 the user can read the sources, 1 it can't, and
why.
"""

import os
import pwd
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

from mycloud.privileged import acl  # noqa: E402


def may(user: pwd.struct_passwd, test: str, path: Path) -> bool:
    """Whether ``test TEST PATH`` holds for the user."""
    return subprocess.run(
        ["/usr/bin/test", test, str(path)], check=False, cwd="/", user=user.pw_uid,
        group=user.pw_gid, extra_groups=os.getgrouplist(user.pw_name, user.pw_gid),
    ).returncode == 0


def main(name: str) -> int:
    user = pwd.getpwnam(name)
    for folder in reversed(HERE.parents):
        if may(user, "-x", folder):
            continue
        try:
            acl.grant(str(folder), user.pw_uid, acl.PASS)
        except OSError as error:
            print(
                f"let-through: the user {name} may not pass through {folder} ({error.strerror}); "
                f"run: chmod o+x {folder}", file=sys.stderr,
            )
            return 1
        print(f"let-through: the user {name} may pass through {folder} now")
    if not may(user, "-r", HERE) or not may(user, "-r", HERE / "setup.cfg"):
        print(
            f"let-through: the user {name} may not read {HERE}; run: chmod -R o+rX {HERE}",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
