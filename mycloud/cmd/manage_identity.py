"""The verbs of mycloud-manage that are about identities and their keys."""

import argparse
import getpass
import os
import sys
from typing import TYPE_CHECKING

from oslo_config import cfg

from mycloud.identity import bootstrap, keys
from mycloud.volume.requests import types

if TYPE_CHECKING:
    Groups = argparse._SubParsersAction[argparse.ArgumentParser]


def run_bootstrap(args: argparse.Namespace) -> int:
    """Make the first administrator, the roles, the default domain, the catalog, and the default
    volume type."""
    password = args.password or os.environ.get("MYCLOUD_BOOTSTRAP_PASSWORD")
    if not password and sys.stdin.isatty():
        password = getpass.getpass(f"Password of {args.username}: ")
    if not password:
        print(
            "mycloud-manage: give --password or MYCLOUD_BOOTSTRAP_PASSWORD", file=sys.stderr
        )
        return 2
    print(
        bootstrap.run(
            password, username=args.username, project=args.project, role=args.role
        )
    )
    types.ensure_default()
    return 0


def fernet_setup(args: argparse.Namespace) -> int:
    """Make the first keys of tokens, unless there are some."""
    made = keys.token_keys().setup()
    print(f"{'made' if made else 'kept'} {keys.token_keys().path}")
    return 0


def fernet_rotate(args: argparse.Namespace) -> int:
    """Write tokens with the next key from now on; copy the directory to the other API hosts."""
    print(keys.token_keys().rotate(cfg.CONF.identity.fernet_max_active_keys))
    return 0


def add_commands(groups: "Groups") -> None:
    """Add ``bootstrap`` and ``fernet``."""
    first = groups.add_parser("bootstrap", help=run_bootstrap.__doc__)
    first.add_argument(
        "--password", help="the administrator's; better in MYCLOUD_BOOTSTRAP_PASSWORD"
    )
    for name in ("username", "project", "role"):
        first.add_argument(f"--{name}", default="admin", help="default: admin")
    first.set_defaults(run=run_bootstrap)
    fernet = groups.add_parser("fernet", help="the keys of tokens")
    verbs = fernet.add_subparsers(required=True)
    for name, command in (("setup", fernet_setup), ("rotate", fernet_rotate)):
        verbs.add_parser(name, help=command.__doc__).set_defaults(run=command)
