"""The verbs of mycloud-manage that show what the versioned objects of this code offer."""

import argparse
from typing import TYPE_CHECKING

from mycloud import objects

if TYPE_CHECKING:
    Groups = argparse._SubParsersAction[argparse.ArgumentParser]


def objects_list(args: argparse.Namespace) -> int:
    """List the objects with their versions, or their remotable methods."""
    found = list(objects.remotable_methods())
    if args.remotable:
        for each in found:
            print(f"{each.object} {each.version} {each.kind} {each.method}{each.signature}")
    else:
        for name, version in sorted({(each.object, each.version) for each in found}):
            print(f"{name} {version}")
    return 0


def add_commands(groups: "Groups") -> None:
    """Add the verbs of ``objects``."""
    verbs = groups.add_parser("objects", help="the versioned objects").add_subparsers(
        required=True
    )
    listing = verbs.add_parser("list", help=objects_list.__doc__)
    listing.add_argument(
        "--remotable", action="store_true", help="the methods that run where the database is"
    )
    listing.set_defaults(run=objects_list)
