"""``mycloud keypair``."""

import argparse
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mycloud.cli.columns import Optional
from mycloud.cli.command import Command, Lister, ShowOne, pairs
from mycloud.cli.exits import UsageError

if TYPE_CHECKING:
    from mycloud.client.keypairs import Keypair


def _fields(keypair: "Keypair") -> dict[str, Any]:
    return {
        "name": keypair.name,
        "type": keypair.type,
        "fingerprint": keypair.fingerprint,
        "public_key": keypair.public_key,
        "user_id": Optional(keypair.user_id),
        "created_at": Optional(keypair.created_at),
    }


class CreateKeypair(ShowOne):
    """Create a key pair, or import a public key

    Without --public-key a pair is made, and its private half is handed out this once: into the
    file of --private-key, which only you can read, or else as part of what is shown.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("name", metavar="NAME", help="what to call it")
        half = parser.add_mutually_exclusive_group()
        half.add_argument("--public-key", metavar="FILE", help="import the public key in it")
        half.add_argument(
            "--private-key", metavar="FILE", help="write the private key there; must not exist"
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        keypairs = self.client.keypairs
        if parsed_args.private_key is None:
            public = _read(parsed_args.public_key) if parsed_args.public_key else None
            keypair = keypairs.create(parsed_args.name, public_key=public)
            fields = _fields(keypair)
            if keypair.private_key:
                fields["private_key"] = keypair.private_key
            return pairs(fields)
        path = Path(parsed_args.private_key)
        # the file is there before the pair is: the key comes only once
        written = False
        with os.fdopen(_open_private(path), "w", encoding="ascii") as file:
            try:
                keypair = keypairs.create(parsed_args.name)
                file.write(keypair.private_key or "")
                written = True
            finally:
                if not written:
                    path.unlink(missing_ok=True)
        return pairs(_fields(keypair) | {"private_key_file": str(path)})


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise UsageError(f"--public-key {path} is not a public key: not a text") from error
    except OSError as error:
        raise UsageError(f"--public-key {path}: {error.strerror}") from error


def _open_private(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UsageError(
            f"--private-key {path} exists already, and a key is never overwritten; "
            "name another file"
        ) from error
    except OSError as error:
        raise UsageError(f"--private-key {path}: {error.strerror}") from error


class ListKeypairs(Lister):
    """List your key pairs"""

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        return ("Name", "Type", "Fingerprint"), [
            (keypair.name, keypair.type, keypair.fingerprint)
            for keypair in self.client.keypairs.list()
        ]


class ShowKeypair(ShowOne):
    """Show one key pair"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("keypair", metavar="KEYPAIR", help="its name")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        return pairs(_fields(self.client.keypairs.find(parsed_args.keypair)))


class DeleteKeypair(Command):
    """Delete key pairs; servers that have them keep them"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("keypairs", nargs="+", metavar="KEYPAIR", help="its name")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        return self.each(parsed_args.keypairs, self.client.keypairs.delete)
