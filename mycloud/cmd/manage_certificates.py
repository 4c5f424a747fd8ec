"""The verb of mycloud-manage that gives hosts their certificates."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mycloud.common import pki

if TYPE_CHECKING:
    Groups = argparse._SubParsersAction[argparse.ArgumentParser]

_HELP = """Make or renew the certificates of hosts.

Each HOST is the name that its services report, then the addresses at which other hosts reach it:
node1=10.0.0.11,node1.example. Prints the directory of each: copy it, over a channel that nobody
reads, to the host's [volume]pki_dir. Certificates that are good are kept."""


def certificates(args: argparse.Namespace) -> int:
    """Make or renew the certificates of hosts."""
    authority = Path(args.authority) if args.authority else pki.authority_dir()
    for each in args.hosts:
        name, _, addresses = each.partition("=")
        print(pki.ensure_host(authority, name, [word for word in addresses.split(",") if word]))
    return 0


def add_commands(groups: "Groups") -> None:
    """Add ``certificates``."""
    verb = groups.add_parser(
        "certificates", help=certificates.__doc__, description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_argument("hosts", nargs="+", metavar="HOST[=ADDRESS,...]")
    verb.add_argument(
        "--authority", help="the authority's directory; unset, [pki]/authority_dir"
    )
    verb.set_defaults(run=certificates)
