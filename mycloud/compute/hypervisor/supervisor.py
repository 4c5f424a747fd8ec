"""A libvirtd and a virtlogd of our own.

Debian's system libvirtd runs QEMU as a user who may not open /dev/kvm and asks QEMU for its
capabilities again at every look-up, which takes seconds each.  A private one is a session daemon
of the ordinary user who runs mycloud, with directories of its own, so several can run side by
side and none touches the system's.  Both daemons outlive the program that started them, under a
parent that reaps for them (see ``reaper``).
"""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from oslo_concurrency import lockutils, processutils
from oslo_log import log

from mycloud.common import clock, exceptions, pki
from mycloud.compute.hypervisor import connection, reaper
from mycloud.disk import processes, short_path

LOG = log.getLogger(__name__)

#: what of its own a private daemon keeps in its directory
_FOLDERS = ("etc", "run", "lib", "cache", "log")
#: the longest path of a socket that it makes: the monitor of a guest
_LONGEST_SOCKET = "etc/libvirt/qemu/lib/domain-999999-mycloud-01234567-89a/monitor.sock"
_CERTIFICATES = (pki.CA_CERTIFICATE, pki.CLIENT_CERTIFICATE, pki.CLIENT_KEY)
_START_SECONDS = 60
_STOP_SECONDS = 10
_CONSOLE_BYTES = 1 << 20
_CONSOLE_BACKUPS = 3

# The daemons go to the background when their sockets are there, so the script ends then.
_START = """
set -eu
[ "$2" = keep ] || virtlogd --daemon --pid-file "$2"
exec libvirtd --daemon --pid-file "$1"
"""


@dataclasses.dataclass(frozen=True)
class DaemonStatus:
    """What runs: pids, or None for what does not."""

    libvirtd: int | None
    virtlogd: int | None
    guests: int


class PrivateLibvirtd:
    """One private libvirtd; any number of these objects may speak of the same one.

    Its things lie in ``<state_dir>/libvirt`` (``libvirt-NAME`` if it has a name, for several
    hosts on one machine), its pid files in ``<state_dir>/run``.

    :param pki_dir: where the certificate is that QEMU shows to exports of volumes
    """

    def __init__(
        self, state_dir: Path, name: str = "", *, pki_dir: Path | None = None
    ) -> None:
        self._pki_dir = pki_dir
        suffix = f"-{name}" if name else ""
        self._dir = state_dir.absolute() / f"libvirt{suffix}"
        run = state_dir.absolute() / "run"
        self._libvirtd_pid = run / f"libvirtd{suffix}.pid"
        self._virtlogd_pid = run / f"virtlogd{suffix}.pid"

    # -- questions ----------------------------------------------------------

    def status(self) -> DaemonStatus:
        """What of it runs now."""
        return DaemonStatus(
            processes.running(self._libvirtd_pid, "libvirtd"),
            processes.running(self._virtlogd_pid, "virtlogd"),
            len(self.guest_pids()),
        )

    def crashed(self) -> bool:
        """Whether a daemon was started, was not stopped, and yet does not run."""
        return any(
            pid_file.exists() and processes.running(pid_file, program) is None
            for pid_file, program in (
                (self._libvirtd_pid, "libvirtd"), (self._virtlogd_pid, "virtlogd")
            )
        )

    def uri(self) -> str:
        """Where to connect to; it may change whenever the daemon is started.

        :raises HypervisorUnavailable: it does not run
        """
        if self.status().libvirtd is None:
            raise exceptions.HypervisorUnavailable(
                reason="the private libvirtd does not run",
                remedy="Start it with 'mycloud up'.",
            )
        return f"qemu+unix:///session?socket={self._near()}/run/libvirt/libvirt-sock"

    def agent_socket(self, server_id: str) -> str:
        """Where to reach the agent in a guest: libvirt's own place for it has too long a name."""
        return f"{self._near()}/run/{server_id}.agent"

    def guest_pids(self) -> list[int]:
        """Pids of the QEMU processes that live under this libvirtd."""
        pid_files = sorted(self._guest_run().glob("*.pid"))
        found = (processes.running(path, "qemu") for path in pid_files)
        return [pid for pid in found if pid is not None]

    def guest_seconds(self, domain_name: str) -> int | None:
        """Seconds that a guest's process has run; None: it does not."""
        pid = processes.running(self._guest_run() / f"{domain_name}.pid", "qemu")
        return None if pid is None else int(processes.age(pid))

    def guest_logs(self, domain_name: str) -> list[Path]:
        """What QEMU itself wrote about a guest; libvirt never removes it."""
        return sorted(self._qemu_logs().glob(f"{glob.escape(domain_name)}.log*"))

    def log_files(self) -> list[Path]:
        """What its daemons wrote, and QEMU about every guest."""
        return sorted(
            path for logs in (self._dir / "log", self._qemu_logs()) for path in logs.glob("*.log*")
        )

    def _guest_run(self) -> Path:
        return self._dir / "run" / "libvirt" / "qemu" / "run"

    def _qemu_logs(self) -> Path:
        return self._dir / "cache" / "libvirt" / "qemu" / "log"

    # -- verbs --------------------------------------------------------------

    def start(self) -> str:
        """Start what does not run; returns the URI.  Guests that run are found again.

        :raises HypervisorUnavailable: it can't be started; says what to install or do
        """
        if os.geteuid() == 0:
            raise exceptions.HypervisorUnavailable(
                reason="a libvirtd of mycloud's own does not run as root",
                remedy="Start the services as an ordinary user, as 'mycloud up' does, or name a "
                "libvirt that runs already by [compute]libvirt_uri.",
            )
        with self._one_at_a_time():
            status = self.status()
            self._link_certificates()
            if None in (status.libvirtd, status.virtlogd):
                self._check_programs()
                self._lay_out()
                started = clock.monotonic()
                self._run(self._command(status))
                # it takes connections only when its drivers are ready, and ends if one is not
                connection.open_uri(self.uri()).close()
                LOG.info("libvirtd started in %.2f s", clock.monotonic() - started)
            return self.uri()

    def stop(self, *, kill_guests: bool = False) -> None:
        """Stop libvirtd.  Guests go on running, and their consoles are written, unless asked."""
        with self._one_at_a_time():
            status = self.status()
            if status.libvirtd is not None:
                processes.end(status.libvirtd, _STOP_SECONDS)
            self._libvirtd_pid.unlink(missing_ok=True)
            guests = self.guest_pids()
            if kill_guests:
                for pid in guests:
                    processes.end(pid, _STOP_SECONDS)
            if kill_guests or not guests:
                if status.virtlogd is not None:
                    processes.end(status.virtlogd, _STOP_SECONDS)
                self._virtlogd_pid.unlink(missing_ok=True)
                short_path.remove(self._dir)

    # -- how ----------------------------------------------------------------

    def _one_at_a_time(self) -> contextlib.AbstractContextManager[Any]:
        self._dir.mkdir(parents=True, exist_ok=True)
        return lockutils.lock(
            "private-libvirtd", external=True, lock_path=str(self._dir), do_log=False
        )

    def _check_programs(self) -> None:
        path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
        programs = {
            "libvirtd": "libvirt-daemon",
            "virtlogd": "libvirt-daemon",
            "qemu-system-x86_64": "qemu-system-x86",
            "qemu-img": "qemu-utils",
        }
        missing = {
            package for program, package in programs.items()
            if shutil.which(program, path=path) is None
        }
        if missing:
            raise exceptions.HypervisorUnavailable(
                reason=f"not installed: {', '.join(sorted(missing))}",
                remedy=f"Run: apt-get install -y {' '.join(sorted(missing))}",
            )

    def _lay_out(self) -> None:
        etc = self._dir / "etc" / "libvirt"
        for name in _FOLDERS:
            (self._dir / name).mkdir(parents=True, exist_ok=True)
        # session daemons keep their sockets here and refuse a directory that others can enter
        (self._dir / "run").chmod(0o700)
        etc.mkdir(parents=True, exist_ok=True)
        self._libvirtd_pid.parent.mkdir(parents=True, exist_ok=True)
        _write_once(
            etc / "libvirtd.conf",
            f"""\
listen_tls = 0
listen_tcp = 0
auth_unix_rw = "none"
unix_sock_rw_perms = "0700"
host_uuid = "{clock.new_id()}"
min_workers = 2
max_workers = 20
log_outputs = "3:file:{self._dir}/log/libvirtd.log"
""",
        )
        _write_once(
            etc / "qemu.conf",
            'security_driver = "none"\nnamespaces = []\nstdio_handler = "logd"\n',
        )
        text = (etc / "qemu.conf").read_text()
        if "nbd_tls_x509_cert_dir" not in text:
            (etc / "qemu.conf").write_text(
                f'{text}nbd_tls = 1\nnbd_tls_x509_cert_dir = "{self._dir}/pki"\n'
            )
        _write_once(
            etc / "virtlogd.conf",
            f"max_size = {_CONSOLE_BYTES}\nmax_backups = {_CONSOLE_BACKUPS}\n",
        )

    def _link_certificates(self) -> None:
        """The directory is there even without any: QEMU's driver would not start."""
        directory = self._dir / "pki"
        directory.mkdir(exist_ok=True)
        if self._pki_dir is None:
            return
        for name in _CERTIFICATES:
            fresh = directory / f".{name}"
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(self._pki_dir.absolute() / name)
            fresh.replace(directory / name)

    def _command(self, status: DaemonStatus) -> list[str]:
        """What starts the daemons that do not run."""
        logd = "keep" if status.virtlogd is not None else str(self._virtlogd_pid)
        if status.libvirtd is not None:
            return ["virtlogd", "--daemon", "--pid-file", logd]
        return ["sh", "-c", _START, "libvirtd", str(self._libvirtd_pid), logd]

    def _run(self, command: list[str]) -> None:
        environ = dict(os.environ)
        environ["PATH"] = environ.get("PATH", "") + ":/usr/sbin:/sbin"
        near = self._near()
        environ.update(
            XDG_CONFIG_HOME=f"{near}/etc",
            XDG_RUNTIME_DIR=f"{near}/run",
            XDG_CACHE_HOME=f"{near}/cache",
            XDG_DATA_HOME=f"{near}/lib",
        )
        try:
            processutils.execute(
                sys.executable, "-I", "-S", reaper.__file__,
                "timeout", "--kill-after=3", str(_START_SECONDS), *command,
                env_variables=environ, cwd="/",
            )
        except processutils.ProcessExecutionError as error:
            words = error.stderr or f"exit status {error.exit_code}"
            LOG.error("The private libvirtd did not start: %s", words)
            raise exceptions.HypervisorUnavailable(
                reason=f"the private libvirtd did not start ({_last_line(words)})",
                remedy="See log/libvirtd.log in its state directory.",
            ) from error

    def _near(self) -> Path:
        """The directory by a name that leaves room for the sockets of a user's daemons."""
        if short_path.fits(f"{self._dir}/{_LONGEST_SOCKET}"):
            return self._dir
        return short_path.make(self._dir)


def _write_once(path: Path, text: str) -> None:
    """What an operator has changed stays."""
    if not path.exists():
        path.write_text(text)


def _last_line(text: str | bytes) -> str:
    lines = (text if isinstance(text, str) else text.decode(errors="replace")).split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "no reason given")
