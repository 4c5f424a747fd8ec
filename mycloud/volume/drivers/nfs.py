"""Volumes that are files of a share that is mounted on this host.

The share is mounted by the operator (or the system's fstab), or from here where ``nfs_mount`` says
so: then the root helper mounts it whenever it is not there. That it is there is looked at before
every call: on a directory where nothing is mounted, every volume would seem to be gone, and new
ones would fill the host's own disk.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, ClassVar

from oslo_log import log

from mycloud.common import clock, concurrency, exceptions
from mycloud.disk import file_locks, sparse
from mycloud.privileged import client, mounts
from mycloud.privileged.errors import PrivilegedError
from mycloud.privileged.mounts import Mount
from mycloud.volume.drivers.base import BackendSettings
from mycloud.volume.drivers.file import FileDriver

LOG = log.getLogger(__name__)

_SHARE = re.compile(r"\S+:/\S*\Z")
#: mount options by which locks are known to this host only (flock: only those of another kind)
_LOCAL_LOCKS = frozenset({"nolock", "local_lock=all", "local_lock=posix"})


class NfsDriver(FileDriver):
    """Volumes on ``nfs_share``, mounted at ``nfs_mount_point``."""

    PROTOCOL: ClassVar[str] = "nfs"
    #: kinds of file systems that a share may be
    FILE_SYSTEMS: ClassVar[tuple[str, ...]] = ("nfs", "nfs4")

    def __init__(self, settings: BackendSettings) -> None:
        super().__init__(settings)
        self._share = str(settings.options.get("nfs_share") or "").rstrip("/")
        self._mounts = bool(settings.options.get("nfs_mount"))
        own = str(settings.state_dir / "share") if self._mounts else ""
        self._point = str(settings.options.get("nfs_mount_point") or own)
        self._no_locks: str | None = "it was not tried yet"

    def do_setup(self) -> None:
        super().do_setup()
        with self._telling("lock a file on the share"):
            self._no_locks = self._try_locks()
        if self._no_locks is not None:
            LOG.warning(
                "Backend %s: no locks on %s, so no volume is attached twice: %s",
                self.settings.name, self._share, self._no_locks,
            )

    # -- parts --------------------------------------------------------------

    def _make_directory(self) -> None:
        directory = self._directory()
        part = directory / f".part-{self._owner()}-writable-{clock.new_id()}"
        try:
            sparse.create(part, 0)
            part.unlink()
        except OSError as error:
            raise self._failed(
                "write to its share",
                f"the server refuses it ({error.strerror}); let it export the share rw to this "
                "host, owned by the user that the service runs as",
            ) from error

    def _directory(self) -> Path:
        if not _SHARE.match(self._share):
            raise self._failed("start", "nfs_share must be SERVER:/PATH")
        if not os.path.isabs(self._point):
            raise self._failed("start", "nfs_mount_point must be an absolute path")
        found = self._mount()
        if found is None and self._mounts:
            self._mount_share()
            found = self._mount()
        if found is None:
            raise self._unreached(
                "nothing is mounted at nfs_mount_point; mount the share there: "
                f"mount -t nfs {self._share} DIRECTORY"
            )
        if found.kind not in self.FILE_SYSTEMS:
            raise self._unreached(f"{found.kind} is mounted at nfs_mount_point, not {self._share}")
        if found.source.rstrip("/") != self._share:
            raise self._unreached(
                f"{found.source} is mounted at nfs_mount_point, not {self._share}; change one of "
                "the two"
            )
        return Path(self._point)

    def _mount(self) -> Mount | None:
        return mounts.at(os.path.normpath(self._point))

    def _mount_share(self) -> None:
        options = list(self.settings.options.get("nfs_mount_options") or ())
        try:
            Path(self._point).mkdir(mode=0o700, parents=True, exist_ok=True)
            client.call.mount_nfs(self._share, os.path.normpath(self._point), options)
        except OSError as error:
            raise self._unreached(
                f"nfs_mount_point can't be made ({error.strerror}); make it, or leave it out"
            ) from error
        except PrivilegedError as error:
            LOG.warning("Backend %s: %s", self.settings.name, error.message)
            reason = error.message.replace(os.path.normpath(self._point), "nfs_mount_point")
            raise self._unreached(f"the root helper could not mount it: {reason}") from error

    def _try_locks(self) -> str | None:
        found = self._mount()
        if found is not None and found.options & _LOCAL_LOCKS:
            told = ", ".join(sorted(found.options & _LOCAL_LOCKS))
            return f"it is mounted with {told}: other hosts do not see the locks of this one"
        part = self._files.part_path("locks", clock.new_id())
        try:
            concurrency.run_native(sparse.create, part, 1)
            return file_locks.why_none(part)
        finally:
            concurrency.run_native(part.unlink, missing_ok=True)

    def _multiattach(self) -> bool:
        return super()._multiattach() and self._no_locks is None

    def _capabilities(self) -> dict[str, Any]:
        told = {**super()._capabilities(), "file_locking": self._no_locks is None}
        if self._no_locks is not None:
            told["file_locking_reason"] = self._no_locks
        return told

    def _unreached(self, reason: str) -> exceptions.BackendFailed:
        return self._failed("reach its share", reason)

