"""``mycloud image member``: with whom an image is shared."""

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mycloud.cli.command import Command, Lister
from mycloud.client import errors
from mycloud.common import states

if TYPE_CHECKING:
    from mycloud.client.connection import Client

_STATUSES = tuple(status.value for status in states.Membership)


def _project_id(client: "Client", name_or_id: str) -> str:
    """The id of a project, also for those who may not look projects up."""
    try:
        return client.projects.find(name_or_id).id
    except (errors.Forbidden, errors.NotFound):
        return name_or_id


def _add_image_and_project(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help="name or id")
    parser.add_argument(
        "project", metavar="PROJECT", help="id, or name where you may look it up"
    )


class AddMember(Command):
    """Share an image with a project, which then accepts it or not"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _add_image_and_project(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        images = self.client.images
        image = images.find(parsed_args.image)
        images.add_member(image.id, _project_id(self.client, parsed_args.project))


class RemoveMember(Command):
    """Stop sharing an image with a project"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _add_image_and_project(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        images = self.client.images
        image = images.find(parsed_args.image)
        images.remove_member(image.id, _project_id(self.client, parsed_args.project))


class SetMember(Command):
    """Accept or reject an image that is shared with your project"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="IMAGE", help="its id")
        parser.add_argument("status", choices=_STATUSES, help="your answer")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        images = self.client.images
        image = images.find(parsed_args.image)
        images.set_member_status(image.id, self.client.project_id, parsed_args.status)


class ListMembers(Lister):
    """List the projects that an image is shared with"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="IMAGE", help="name or id")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        images = self.client.images
        members = images.members(images.find(parsed_args.image).id)
        return ("Image ID", "Project ID", "Status"), [
            (member.image_id, member.member_id, member.status) for member in members
        ]
