"""Where a cloud on this machine keeps its things: all under one state directory."""

import dataclasses
import os
from pathlib import Path


def default_state() -> Path:
    """The state directory if none is given."""
    if os.geteuid() == 0:
        return Path("/var/lib/mycloud")
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "mycloud"


@dataclasses.dataclass(frozen=True)
class Layout:
    """The files of one cloud."""

    state: Path

    @property
    def settings(self) -> Path:
        """What the first ``mycloud up`` was told."""
        return self.state / "settings.json"

    @property
    def node(self) -> Path:
        """What a machine that has joined a cloud is there."""
        return self.state / "node.json"

    @property
    def config(self) -> Path:
        """Options of the services that have the database; written at every start."""
        return self.state / "mycloud.conf"

    def compute_config(self, host: str) -> Path:
        """Options of a compute host's own process, without a database."""
        return self.state / f"compute-{host}.conf"

    @property
    def volume_config(self) -> Path:
        """Options of the volume service's own process, without a database."""
        return self.state / "volume.conf"

    @property
    def config_dir(self) -> Path:
        """Options of the operator (``*.conf``): win over the others, never written here."""
        return self.state / "mycloud.conf.d"

    @property
    def database(self) -> Path:
        return self.state / "mycloud.db"

    @property
    def clouds(self) -> Path:
        return self.state / "clouds.yaml"

    @property
    def run(self) -> Path:
        return self.state / "run"

    @property
    def logs(self) -> Path:
        return self.state / "log"

    @property
    def guest(self) -> Path:
        """The tiny guest: guest.qcow2, vmlinuz, initrd.img."""
        return self.state / "guest"

    def host(self, name: str) -> Path:
        """A compute host's own directory."""
        return self.state / "hosts" / name

    @property
    def backends(self) -> Path:
        """The storage backends' own directories."""
        return self.state / "backends"

    @property
    def authority(self) -> Path:
        """What signs the certificates of the cloud's hosts."""
        return self.state / "authority"

    @property
    def certificates(self) -> Path:
        """What this machine shows to hosts that use its volumes."""
        return self.state / "pki"

    def host_certificates(self, name: str) -> Path:
        """What a compute host shows where a volume lies."""
        return self.host(name) / "pki"

    @property
    def of_root(self) -> Path:
        """What the root helper keeps: root's own."""
        return self.state / "privileged"

    def pid_file(self, name: str) -> Path:
        return self.run / f"{name}.pid"

    def make(self, *, passable: bool = False) -> None:
        """Make the directories; only their owner may look inside.

        :param passable: another user who knows the way may go through, such as the one of a
            system's libvirt
        """
        self.state.mkdir(parents=True, exist_ok=True)
        self.state.chmod(0o711 if passable else 0o700)
        for folder in (self.run, self.logs, self.config_dir, self.state / "hosts"):
            folder.mkdir(exist_ok=True)
