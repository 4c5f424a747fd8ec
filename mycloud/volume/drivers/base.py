"""What a storage backend promises to the volume manager.

A volume is known to its backend by a *name* (the volume's id, or another one after it was moved
between backends), a snapshot by its own name. Every verb may be called again after a crash:
asking for what is already so is success. The questions (``exists``, ``size_gb``,
``snapshot_exists`` ...) are answered from the storage itself, never from a record of ours. What
is made appears under its name only when it is whole.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from mycloud.common import exceptions

GIB = 1 << 30


@dataclasses.dataclass(frozen=True)
class BackendSettings:
    """One backend as the options describe it.

    :ivar name: of the backend and of its section in the options
    :ivar backend_name: ``volume_backend_name``: what volume types ask for; several backends may
        share one
    :ivar state_dir: belongs to this backend on this host alone
    :ivar options: the other options of its section, by name
    """

    name: str
    backend_name: str
    state_dir: Path
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Pool:
    """What a part of the storage has, as it is told to the scheduler.

    :ivar total_gb: GiB in all; ``free_gb``: GiB that are not taken, measured, not computed
    :ivar provisioned_gb: the sum of the sizes that were promised, snapshots included
    :ivar thin: whether a volume takes only what is written to it
    :ivar max_over_subscription_ratio: how many times ``total_gb`` may be promised, if thin
    :ivar reserved_percentage: of ``total_gb``, kept free
    :ivar multiattach: whether a volume may be attached to several servers at once
    :ivar online_extend: whether a volume may grow while a guest uses it on this very host
    """

    name: str
    total_gb: float
    free_gb: float
    provisioned_gb: float = 0
    thin: bool = True
    max_over_subscription_ratio: float = 20.0
    reserved_percentage: int = 0
    multiattach: bool = True
    online_extend: bool = True
    storage_protocol: str = "file"
    capabilities: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Source:
    """Where the bytes of a volume or a snapshot lie on this host.

    :ivar path: a file, or a block device
    :ivar format: ``raw`` or ``qcow2``; of an image any that was checked, in QEMU's words; never
        guessed from the bytes
    """

    path: Path
    format: str = "raw"


@dataclasses.dataclass(frozen=True)
class Manageable:
    """Something on the storage that could become a volume or a snapshot.

    :ivar reference: what ``manage`` takes, e.g. ``{"source-name": "disk.raw"}``
    :ivar reason: why it can't be managed; None if it can
    """

    reference: dict[str, str]
    size_gb: int
    reason: str | None = None
    #: the name of the volume that it belongs to, of a snapshot
    source_name: str | None = None
    #: the name that it had as a volume, of one that was unmanaged
    former_name: str | None = None


class VolumeDriver(abc.ABC):
    """One backend on this host.

    Used from any number of green threads or threads at once; verbs on one volume are never called
    concurrently. Sizes are GiB.

    Names are made of letters, digits, ``-`` and ``_``; what could lead elsewhere is a ValueError.

    Errors: BackendFull when the storage has no room (nothing is left of what was begun),
    BackendFailed when it refuses, VolumeNotOnBackend where a volume must exist and does not.
    """

    #: as published in the capabilities
    VERSION: ClassVar[str] = "1.0"
    #: a driver that nobody looks after any more; it starts only where the options insist
    SUPPORTED: ClassVar[bool] = True

    def __init__(self, settings: BackendSettings) -> None:
        self.settings = settings

    # -- life ---------------------------------------------------------------

    @abc.abstractmethod
    def do_setup(self) -> None:
        """Get ready: directories, pools. May be called again.

        :raises BackendFailed: it can't work; names what is missing and the remedy
        """

    @abc.abstractmethod
    def check_for_setup_error(self) -> None:
        """:raises BackendFailed: something that the driver needs is not there"""

    @abc.abstractmethod
    def pools(self) -> list[Pool]:
        """What there is now; the first one is where volumes without a pool lie."""

    @abc.abstractmethod
    def clean_temporary(self) -> list[str]:
        """Remove what was half made when an earlier process died; returns what was removed."""

    # -- volumes ------------------------------------------------------------

    @abc.abstractmethod
    def create(self, name: str, size_gb: int, *, pool: str | None = None) -> None:
        """An empty volume: it reads as zeros; one that is there already is left as it is.

        :raises BackendFull: :raises BackendFailed: there is no such pool
        """

    @abc.abstractmethod
    def exists(self, name: str) -> bool: ...

    @abc.abstractmethod
    def names(self) -> list[str]:
        """Every volume that lies here."""

    @abc.abstractmethod
    def size_gb(self, name: str) -> int:
        """The size that a guest sees, in GiB, rounded up.  :raises VolumeNotOnBackend:"""

    @abc.abstractmethod
    def delete(self, name: str) -> None:
        """Give the space back; a volume that is not there is no error.

        :raises BackendFailed: it is in use, or has snapshots that need it
        """

    @abc.abstractmethod
    def extend(self, name: str, size_gb: int) -> None:
        """Let it grow; one that is as big already is left as it is.

        :raises BackendFull: :raises VolumeNotOnBackend:
        """

    @abc.abstractmethod
    def clone(self, source: str, name: str, size_gb: int) -> None:
        """A new volume with what ``source`` holds now, at least as big.

        :raises BackendFull: :raises VolumeNotOnBackend:
        """

    @abc.abstractmethod
    def source(self, name: str) -> Source:
        """Where it is, ready to be read and written.  :raises VolumeNotOnBackend:"""

    # -- snapshots ----------------------------------------------------------

    @abc.abstractmethod
    def snapshot(self, name: str, snapshot: str) -> None:
        """Keep what the volume holds now. Nobody writes to it meanwhile, unless
        ``atomic_snapshots``.

        :raises BackendFull: :raises VolumeNotOnBackend:
        """

    @property
    @abc.abstractmethod
    def atomic_snapshots(self) -> bool:
        """Whether ``snapshot`` of a volume that is being written to is that of one moment."""

    @abc.abstractmethod
    def begin_snapshot(self, name: str, snapshot: str) -> Source:
        """An empty place as big as the volume, for somebody else to copy it to; what an earlier
        try has left there is gone. Only where ``atomic_snapshots`` is False.

        :raises BackendFull: :raises VolumeNotOnBackend:
        """

    @abc.abstractmethod
    def commit_snapshot(self, name: str, snapshot: str) -> None:
        """What ``begin_snapshot`` gave is whole: it exists from now on."""

    @abc.abstractmethod
    def snapshot_exists(self, name: str, snapshot: str) -> bool: ...

    @abc.abstractmethod
    def snapshot_names(self) -> list[str]:
        """Every snapshot that lies here."""

    @abc.abstractmethod
    def delete_snapshot(self, name: str, snapshot: str) -> None:
        """Also one that is half made; one that is not there is no error."""

    @abc.abstractmethod
    def create_from_snapshot(
        self, name: str, snapshot: str, new: str, size_gb: int
    ) -> None:
        """A new volume ``new`` with what the snapshot of ``name`` holds, at least as big.

        :raises BackendFull: :raises VolumeNotOnBackend:
        """

    @abc.abstractmethod
    def revert(self, name: str, snapshot: str) -> None:
        """Let the volume hold what the snapshot holds; its size stays. Nobody uses it."""

    @abc.abstractmethod
    def snapshot_source(self, name: str, snapshot: str) -> Source:
        """Where the snapshot is, to be read only.  :raises VolumeNotOnBackend:"""

    # -- what lies there already --------------------------------------------

    @abc.abstractmethod
    def manageable(self) -> list[Manageable]:
        """What lies on the storage and is no volume of ours."""

    @abc.abstractmethod
    def manage(self, reference: Mapping[str, str], name: str) -> int:
        """Take something that lies there as the volume ``name``; returns its size.

        :raises InvalidReference: there is no such thing, or it can't be taken
        """

    @abc.abstractmethod
    def unmanage(self, name: str) -> None:
        """Forget the volume and leave its bytes where they are, under a name that ``manageable``
        shows."""

    def manage_snapshot(
        self, name: str, snapshot: str, reference: Mapping[str, str]
    ) -> int:
        """Take something that lies there, and was a snapshot of the volume, as its snapshot;
        returns its size. A backend that can't refuses everything.

        :raises InvalidReference: as ``manage``
        """
        raise exceptions.InvalidReference(
            reference=dict(reference), reason="this backend can't manage snapshots"
        )

    def unmanage_snapshot(self, name: str, snapshot: str) -> None:
        """As ``unmanage``, of a snapshot.

        :raises BackendFailed: the backend can't
        """
        raise exceptions.BackendFailed(
            backend=self.settings.name, verb="unmanage a snapshot",
            reason="it keeps snapshots inside of their volumes",
        )

    # -- whole images -------------------------------------------------------

    @abc.abstractmethod
    def copy_in(self, name: str, image: Source, virtual_size: int) -> None:
        """Write a checked image, of ``virtual_size`` bytes once it is raw, to the beginning of a
        volume that exists and is big enough; what is beyond reads as zeros. Nobody uses it.

        :raises BackendFull: :raises BackendFailed:
        """

    @abc.abstractmethod
    def copy_out(self, name: str, target: Source) -> None:
        """Write what the volume holds to a new file of that format, sparse. Nobody writes to it
        meanwhile.

        :raises BackendFull: no room for the file (nothing is left of it)
        """
