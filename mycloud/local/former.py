"""What runs of a cloud that root's own services have left: earlier versions ran all as root."""

from pathlib import Path

from mycloud.compute.hypervisor.supervisor import DaemonStatus
from mycloud.disk import processes
from mycloud.local.layout import Layout

_STOP_SECONDS = 10


class RootLibvirtd:
    """A private libvirtd that root runs; it is stopped, and never started again.

    :param state: the directory of a compute host
    """

    def __init__(self, state: Path) -> None:
        self._dir = state.absolute() / "libvirt"
        run = state.absolute() / "run"
        self._libvirtd_pid, self._virtlogd_pid = run / "libvirtd.pid", run / "virtlogd.pid"

    def runs(self) -> bool:
        """Whether anything of it does."""
        found = self.status()
        return bool(found.libvirtd or found.virtlogd or found.guests)

    def status(self) -> DaemonStatus:
        return DaemonStatus(
            _of_root(processes.running(self._libvirtd_pid, "libvirtd")),
            _of_root(processes.running(self._virtlogd_pid, "virtlogd")),
            len(self._guests()),
        )

    def uri(self) -> str:
        """Where to connect to."""
        # by the short name that the daemon itself has for its socket
        pid = self.status().libvirtd
        return f"qemu+unix:///system?socket=/proc/{pid}/root/run/libvirt/libvirt-sock"

    def stop(self, *, kill_guests: bool = False) -> None:
        """Stop libvirtd, and with it the guests if asked."""
        status = self.status()
        if status.libvirtd is not None:
            processes.end(status.libvirtd, _STOP_SECONDS)
        if kill_guests:
            for pid in self._guests():
                processes.end(pid, _STOP_SECONDS)
            if status.virtlogd is not None:
                processes.end(status.virtlogd, _STOP_SECONDS)
        for path in (self._libvirtd_pid, self._virtlogd_pid):
            if not path.is_symlink() and _of_root(processes.running(path, "")) is None:
                path.unlink(missing_ok=True)

    def _guests(self) -> list[int]:
        pid_files = sorted((self._dir / "run" / "qemu").glob("*.pid"))
        found = (_of_root(processes.running(path, "qemu")) for path in pid_files)
        return [pid for pid in found if pid is not None]


def _of_root(pid: int | None) -> int | None:
    return pid if pid is not None and processes.owner(pid) == 0 else None


def hand_over(layout: Layout) -> None:
    """Put what root's libvirtd knew of its guests where the user's looks for it."""
    for libvirt in sorted((layout.state / "hosts").glob("*/libvirt")):
        before, after = libvirt / "etc" / "qemu", libvirt / "etc" / "libvirt" / "qemu"
        if after.exists():
            continue
        after.mkdir(parents=True)
        for path in sorted(before.glob("*.xml")):
            path.rename(after / path.name)
