"""mycloud-manage: what an operator does to a cloud's database and keys, near the database."""

import argparse
import sys
from collections.abc import Callable

from oslo_config import cfg

from mycloud import conf
from mycloud.cmd import manage_certificates, manage_identity, manage_objects, startup
from mycloud.common import context, exceptions, log_setup
from mycloud.db.migrations import upgrade, version

Command = Callable[[argparse.Namespace], int]


def db_sync(args: argparse.Namespace) -> int:
    """Bring the database to the version of this code."""
    print(upgrade.sync())
    return 0


def db_version(args: argparse.Namespace) -> int:
    """Show the database's version."""
    print(version.current() or "none")
    return 0


def db_check(args: argparse.Namespace) -> int:
    """Exit with 1 unless the database has the version of this code."""
    version.check()
    print(version.wanted())
    return 0


def db_revision(args: argparse.Namespace) -> int:
    """Write a new version from what the models have more than the database (developers)."""
    upgrade.new(args.message)
    return 0


def _db_commands(groups: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verbs = groups.add_parser("db", help="the database's schema").add_subparsers(required=True)
    for name, command in (("sync", db_sync), ("version", db_version), ("check", db_check)):
        verbs.add_parser(name, help=command.__doc__).set_defaults(run=command)
    revision = verbs.add_parser("revision", help=db_revision.__doc__)
    revision.add_argument("-m", "--message", required=True, help="what changes, in a few words")
    revision.set_defaults(run=db_revision)


#: Each adds the verbs of a noun.
GROUPS = (
    _db_commands,
    manage_identity.add_commands,
    manage_objects.add_commands,
    manage_certificates.add_commands,
)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="mycloud-manage", description=__doc__)
    found.add_argument(
        "--config-file", action="append", help="as of the services; may be given again"
    )
    groups = found.add_subparsers(required=True)
    for add in GROUPS:
        add(groups)
    return found


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    args = parser().parse_args(sys.argv[1:] if argv is None else argv)
    conf.register_all()
    log_setup.register()
    try:
        cfg.CONF([], project="mycloud", default_config_files=args.config_file)
        startup.check_values()
        startup.open_database()
        with context.role(context.MANAGE):
            run: Command = args.run
            return run(args)
    except (cfg.Error, exceptions.MycloudError) as error:
        message = error.message if isinstance(error, exceptions.MycloudError) else str(error)
        print(f"mycloud-manage: {message}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
