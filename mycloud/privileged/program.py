"""The program ``mycloud-privileged``.

It lies here and not in ``mycloud.cmd``, because importing that package chooses a concurrency and
imports most of the cloud; this process is to stay small.
"""

from __future__ import annotations

import argparse
import errno
import logging
import os
import pwd
import resource
import signal
import sys
from pathlib import Path

from mycloud.privileged import capabilities, current, discovery, instance, server
from mycloud.privileged.checkpoint import running

LOG = logging.getLogger("mycloud.privileged")


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM; 1 (EPERM) for who is not root, 2 for what can't be started so."""
    args = _parser().parse_args(argv)
    logging.basicConfig(
        level=logging.DEBUG if args.debug else logging.INFO, stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    # what no line shows is not looked up for each
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    if os.geteuid() != 0:
        print(
            "mycloud-privileged does what needs root: start it as root (by systemd, or by "
            "'mycloud up' as root)", file=sys.stderr,
        )
        return errno.EPERM
    try:
        _serve(args)
    except (instance.CannotStart, discovery.DiscoveryFailed, OSError) as error:
        print(f"mycloud-privileged can't start: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mycloud-privileged", description="The root helper of a mycloud host."
    )
    parser.add_argument("--state", type=Path, required=True, help="the cloud's state directory")
    parser.add_argument(
        "--user", default="mycloud", help="the user whom the services run as (name or id)"
    )
    parser.add_argument("--verbs-dir", type=Path, help="a folder of further verbs")
    parser.add_argument(
        "--verbs-prefix", default="", help="what the names of its verbs begin with"
    )
    parser.add_argument("--debug", action="store_true")
    return parser


def _serve(args: argparse.Namespace) -> None:
    uid, gid = _user(args.user)
    os.umask(0o022)
    os.chdir("/")
    verbs = discovery.find(args.verbs_dir, args.verbs_prefix)
    one = instance.Instance(args.state, uid, gid)
    current.set_helper(
        current.Helper(uid, gid, args.state.absolute(), one.state_dir, verbs)
    )
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # descriptors are left for what the verbs open
    limits = server.Limits(connections=max(16, min(server.CONNECTIONS, hard - 512)))
    serving = server.Server(one.listen(1024), verbs, frozenset({0, uid}), limits=limits)
    capabilities.drop()
    running.start(one.state_dir)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: serving.stop())
    LOG.info("%d verbs for uid %s under %s", len(verbs), uid, args.state)
    _tell("READY=1")
    serving.serve()
    running.stop()
    one.close()


def _user(name: str) -> tuple[int, int]:
    """:raises CannotStart: there is no such user"""
    try:
        found = pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
    except KeyError:
        if name.isdigit():
            return int(name), int(name)
        raise instance.CannotStart(
            f"there is no user {name!r}: make it (useradd --system {name}), or name another "
            "by --user"
        ) from None
    return found.pw_uid, found.pw_gid


def _tell(state: str) -> None:
    """Say it to systemd, where that has started us."""
    address = os.environ.pop("NOTIFY_SOCKET", "")
    if address:
        with server.socket.socket(server.socket.AF_UNIX, server.socket.SOCK_DGRAM) as sock:
            sock.sendto(state.encode(), address.replace("@", "\0", 1))


if __name__ == "__main__":
    sys.exit(main())
