"""What a machine that has joined a cloud remembers of that."""

import dataclasses
import json
from typing import Any

from mycloud.common import secret_files
from mycloud.local import supervisor
from mycloud.local.layout import Layout
from mycloud.local.settings import LocalError, Settings


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a machine is to be.

    :ivar address: at which other hosts reach it
    :ivar user: whom its programs run as
    """

    name: str
    address: str
    hypervisor: str
    user: str


@dataclasses.dataclass(frozen=True)
class Record:
    """:ivar urls: of the cloud's API
    :ivar api_certificate: sha256 of the certificate that it shows, in hex
    :ivar token_id: of the token that let the machine join
    """

    wanted: Wanted
    urls: tuple[str, ...]
    api_certificate: str | None
    token_id: str
    joined_at: str

    @property
    def name(self) -> str:
        return self.wanted.name

    @property
    def settings(self) -> Settings:
        """As those of a cloud on this machine."""
        wanted = self.wanted
        return Settings(
            hosts=(wanted.name,), hypervisor=wanted.hypervisor, processes=True,
            user=wanted.user,
        )

    def processes(self, layout: Layout) -> list[supervisor.Process]:
        """What runs here, in the order in which it starts."""
        return [supervisor.compute(layout, self.name)]


def load(layout: Layout) -> Record | None:
    """None: the machine has not joined.

    :raises LocalError: the file is damaged
    """
    try:
        values: dict[str, Any] = json.loads(layout.node.read_text())
        return Record(
            **{**values, "wanted": Wanted(**values["wanted"]), "urls": tuple(values["urls"])}
        )
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise LocalError(
            f"{layout.node} belongs to another user; run this as that user, or as root"
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise LocalError(
            f"{layout.node} is damaged ({error}); restore it, or leave by 'mycloud node leave "
            "--force' and join anew"
        ) from error


def save(layout: Layout, record: Record) -> None:
    """From now on the machine has joined."""
    secret_files.write(layout.node, json.dumps(dataclasses.asdict(record), indent=1) + "\n")


def joined(layout: Layout) -> Record:
    """:raises LocalError: the machine has not joined"""
    found = load(layout)
    if found is None:
        raise LocalError(
            f"No machine of a cloud is in {layout.state}; 'mycloud node join TOKEN' makes one"
        )
    return found
