"""States and transitions, as data. No other module writes a state's name as text.

The diagram in docs/states.md is generated from this module.
"""

from dataclasses import dataclass
from enum import StrEnum


class Vm(StrEnum):
    """What a server is, when nothing is going on."""

    BUILDING = "building"
    ACTIVE = "active"
    STOPPED = "stopped"
    PAUSED = "paused"
    ERROR = "error"
    DELETED = "deleted"


class Task(StrEnum):
    """What is being done to a server; none when nothing is."""

    SCHEDULING = "scheduling"
    SPAWNING = "spawning"
    POWERING_OFF = "powering-off"
    POWERING_ON = "powering-on"
    REBOOTING = "rebooting"
    REBOOTING_HARD = "rebooting_hard"
    DELETING = "deleting"
    IMAGE_SNAPSHOT = "image_snapshot"


class Power:
    """nova's numbers for what the hypervisor says."""

    NOSTATE = 0
    RUNNING = 1
    PAUSED = 3
    SHUTDOWN = 4
    CRASHED = 6
    SUSPENDED = 7


class Op(StrEnum):
    """The life of an operation in the journal."""

    WAITING = "waiting"
    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


OP_OPEN = frozenset({Op.WAITING, Op.PENDING, Op.RUNNING})
OP_ENDED = frozenset({Op.SUCCEEDED, Op.FAILED, Op.CANCELLED})

OPERATION_TRANSITIONS: dict[Op, frozenset[Op]] = {
    Op.WAITING: frozenset({Op.PENDING, Op.CANCELLED}),
    Op.PENDING: frozenset({Op.RUNNING, Op.FAILED, Op.CANCELLED}),
    Op.RUNNING: frozenset({Op.PENDING, Op.SUCCEEDED, Op.FAILED, Op.CANCELLED}),
    Op.SUCCEEDED: frozenset(),
    Op.FAILED: frozenset(),
    Op.CANCELLED: frozenset(),
}


class StepState(StrEnum):
    """The life of one step of an operation."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNDONE = "undone"
    SKIPPED = "skipped"


class NodeToken(StrEnum):
    """What has become of a token that lets a machine join."""

    UNUSED = "unused"
    USED = "used"
    EXPIRED = "expired"


class Image(StrEnum):
    """What an image is."""

    QUEUED = "queued"
    SAVING = "saving"
    ACTIVE = "active"
    DEACTIVATED = "deactivated"
    KILLED = "killed"
    DELETED = "deleted"


IMAGE_TRANSITIONS: dict[Image, frozenset[Image]] = {
    Image.QUEUED: frozenset({Image.SAVING, Image.DELETED}),
    Image.SAVING: frozenset({Image.ACTIVE, Image.QUEUED, Image.KILLED, Image.DELETED}),
    Image.ACTIVE: frozenset({Image.DEACTIVATED, Image.DELETED}),
    Image.DEACTIVATED: frozenset({Image.ACTIVE, Image.DELETED}),
    Image.KILLED: frozenset({Image.DELETED}),
    Image.DELETED: frozenset(),
}


class Membership(StrEnum):
    """What a project says to an image that is shared with it."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


#: What the compute API calls an image's state, and its progress in percent.
IMAGE_STATUS: dict[Image, tuple[str, int]] = {
    Image.QUEUED: ("SAVING", 25),
    Image.SAVING: ("SAVING", 50),
    Image.ACTIVE: ("ACTIVE", 100),
    Image.DEACTIVATED: ("ACTIVE", 100),
    Image.KILLED: ("ERROR", 0),
    Image.DELETED: ("DELETED", 0),
}


class Visibility(StrEnum):
    """Who sees an image."""

    PRIVATE = "private"
    SHARED = "shared"
    COMMUNITY = "community"
    PUBLIC = "public"


@dataclass(frozen=True)
class Transition:
    """What an operation on a server asks of its state, and what it leaves behind.

    ``before``: the vm states that it starts from. ``task``: the task state while it runs.
    ``after``: the vm state once it has succeeded (None: unchanged). ``failed``: the vm state
    after a failure that was undone (None: unchanged). ``supersedes``: it may be asked for while
    another operation runs; that one is cancelled first.
    """

    action: str
    before: frozenset[Vm]
    task: Task
    after: Vm | None
    failed: Vm | None = None
    supersedes: bool = False


#: operation kind -> its transition
SERVER: dict[str, Transition] = {
    "server.create": Transition(
        "create", frozenset({Vm.BUILDING}), Task.SCHEDULING, Vm.ACTIVE, failed=Vm.ERROR
    ),
    "server.stop": Transition(
        "stop", frozenset({Vm.ACTIVE, Vm.ERROR}), Task.POWERING_OFF, Vm.STOPPED
    ),
    "server.start": Transition(
        "start", frozenset({Vm.STOPPED}), Task.POWERING_ON, Vm.ACTIVE
    ),
    "server.reboot": Transition(
        "reboot", frozenset({Vm.ACTIVE}), Task.REBOOTING, Vm.ACTIVE
    ),
    "server.reboot_hard": Transition(
        "reboot",
        frozenset({Vm.ACTIVE, Vm.STOPPED, Vm.PAUSED, Vm.ERROR}),
        Task.REBOOTING_HARD,
        Vm.ACTIVE,
    ),
    "server.create_image": Transition(
        "createImage", frozenset({Vm.ACTIVE, Vm.STOPPED, Vm.PAUSED}), Task.IMAGE_SNAPSHOT, None
    ),
    "server.delete": Transition(
        "delete", frozenset(Vm) - {Vm.DELETED}, Task.DELETING, Vm.DELETED,
        failed=Vm.ERROR, supersedes=True,
    ),
}

#: What the API calls (vm state, task state); a task state not named keeps the vm state's name.
SERVER_STATUS: dict[Vm, str] = {
    Vm.BUILDING: "BUILD",
    Vm.ACTIVE: "ACTIVE",
    Vm.STOPPED: "SHUTOFF",
    Vm.PAUSED: "PAUSED",
    Vm.ERROR: "ERROR",
    Vm.DELETED: "DELETED",
}
TASK_STATUS: dict[Task, str] = {
    Task.REBOOTING: "REBOOT",
    Task.REBOOTING_HARD: "HARD_REBOOT",
}


def server_status(vm_state: str, task_state: str | None) -> str:
    """The status that the compute API shows, as in nova's API reference."""
    vm = Vm(vm_state)
    if vm is Vm.ACTIVE and task_state:
        return TASK_STATUS.get(Task(task_state), SERVER_STATUS[vm])
    return SERVER_STATUS[vm]


def vm_states_of(status: str) -> list[tuple[str, str | None]]:
    """(vm state, task state or None for any) pairs that show as this API status; [] if none."""
    wanted = status.upper()
    found: list[tuple[str, str | None]] = [
        (vm.value, None) for vm, name in SERVER_STATUS.items() if name == wanted
    ]
    found += [
        (Vm.ACTIVE.value, task.value) for task, name in TASK_STATUS.items() if name == wanted
    ]
    return found


#: What a guest's power state, seen outside of any operation, makes of an idle server.
POWER_TO_VM: dict[int, Vm] = {
    Power.RUNNING: Vm.ACTIVE,
    Power.PAUSED: Vm.PAUSED,
    Power.SHUTDOWN: Vm.STOPPED,
    Power.CRASHED: Vm.STOPPED,
    Power.NOSTATE: Vm.STOPPED,
}

_POWER_NUMBERS = {
    "running": Power.RUNNING,
    "paused": Power.PAUSED,
    "shutdown": Power.SHUTDOWN,
    "crashed": Power.CRASHED,
    "suspended": Power.SUSPENDED,
    "nostate": Power.NOSTATE,
}


#: Of a guest that has processors and memory now.
POWERED_ON = frozenset({Power.RUNNING, Power.PAUSED})


def power_number(name: str) -> int:
    """The API's number for a driver's power state."""
    return _POWER_NUMBERS[name]


# -- volumes -----------------------------------------------------------------------------------


class Vol(StrEnum):
    """What a volume is, or what is being done to it: block storage has one word for both."""

    CREATING = "creating"
    AVAILABLE = "available"
    RESERVED = "reserved"
    ATTACHING = "attaching"
    DETACHING = "detaching"
    IN_USE = "in-use"
    MAINTENANCE = "maintenance"
    EXTENDING = "extending"
    RETYPING = "retyping"
    REVERTING = "reverting"
    DOWNLOADING = "downloading"
    UPLOADING = "uploading"
    BACKING_UP = "backing-up"
    RESTORING = "restoring-backup"
    AWAITING_TRANSFER = "awaiting-transfer"
    MANAGING = "managing"
    UNMANAGING = "unmanaging"
    DELETING = "deleting"
    ERROR = "error"
    ERROR_DELETING = "error_deleting"
    ERROR_EXTENDING = "error_extending"
    ERROR_RESTORING = "error_restoring"
    ERROR_BACKING_UP = "error_backing-up"
    ERROR_MANAGING = "error_managing"
    DELETED = "deleted"


class Attach(StrEnum):
    """The life of an attachment."""

    RESERVED = "reserved"
    ATTACHING = "attaching"
    ATTACHED = "attached"
    DETACHING = "detaching"
    ERROR_ATTACHING = "error_attaching"
    ERROR_DETACHING = "error_detaching"
    DETACHED = "detached"


ATTACH_TRANSITIONS: dict[Attach, frozenset[Attach]] = {
    Attach.RESERVED: frozenset({Attach.ATTACHING, Attach.ATTACHED, Attach.DETACHED}),
    Attach.ATTACHING: frozenset(
        {Attach.ATTACHED, Attach.RESERVED, Attach.ERROR_ATTACHING, Attach.DETACHED}
    ),
    Attach.ATTACHED: frozenset({Attach.DETACHING, Attach.DETACHED}),
    Attach.DETACHING: frozenset({Attach.ATTACHED, Attach.ERROR_DETACHING, Attach.DETACHED}),
    Attach.ERROR_ATTACHING: frozenset({Attach.DETACHING, Attach.DETACHED}),
    Attach.ERROR_DETACHING: frozenset({Attach.DETACHING, Attach.DETACHED}),
    Attach.DETACHED: frozenset(),
}


class Migration(StrEnum):
    """How far a volume is on its way to another backend, as the API shows it."""

    STARTING = "starting"
    MIGRATING = "migrating"
    COMPLETING = "completing"
    SUCCESS = "success"
    ERROR = "error"


class Snap(StrEnum):
    """What a snapshot is, or what is being done to it."""

    CREATING = "creating"
    AVAILABLE = "available"
    BACKING_UP = "backing-up"
    RESTORING = "restoring"
    UNMANAGING = "unmanaging"
    DELETING = "deleting"
    ERROR = "error"
    ERROR_DELETING = "error_deleting"
    DELETED = "deleted"


class Backup(StrEnum):
    """What a backup is, or what is being done to it."""

    CREATING = "creating"
    AVAILABLE = "available"
    RESTORING = "restoring"
    DELETING = "deleting"
    ERROR = "error"
    ERROR_DELETING = "error_deleting"
    DELETED = "deleted"


@dataclass(frozen=True)
class StatusTransition:
    """What an operation on a volume, a snapshot or a backup asks of its status.

    ``before``: the statuses that it starts from. ``during``: the status while it runs (None:
    unchanged). ``after``: once it has succeeded, ``failed``: after a failure that was undone
    (None: what it was before).
    """

    action: str
    before: frozenset[str]
    during: str | None
    after: str | None = None
    failed: str | None = None


_REST = frozenset({Vol.AVAILABLE, Vol.IN_USE})
#: Where nothing is going on and nothing can: an operator, or a deletion, gets it out.
VOLUME_ERRORS = frozenset(
    {
        Vol.ERROR, Vol.ERROR_DELETING, Vol.ERROR_EXTENDING, Vol.ERROR_RESTORING,
        Vol.ERROR_BACKING_UP, Vol.ERROR_MANAGING,
    }
)

#: operation kind -> its transition
VOLUME: dict[str, StatusTransition] = {
    "volume.create": StatusTransition(
        "create", frozenset({Vol.CREATING}), Vol.CREATING, Vol.AVAILABLE, Vol.ERROR
    ),
    "volume.manage": StatusTransition(
        "manage", frozenset({Vol.MANAGING}), Vol.MANAGING, Vol.AVAILABLE, Vol.ERROR_MANAGING
    ),
    "volume.unmanage": StatusTransition(
        "unmanage", frozenset({Vol.AVAILABLE}), Vol.UNMANAGING, Vol.DELETED
    ),
    "volume.extend": StatusTransition(
        "extend", _REST, Vol.EXTENDING, None, Vol.ERROR_EXTENDING
    ),
    "volume.retype": StatusTransition("retype", _REST, Vol.RETYPING),
    "volume.migrate": StatusTransition("migrate", _REST, None),
    "volume.revert": StatusTransition(
        "revert", frozenset({Vol.AVAILABLE}), Vol.REVERTING, Vol.AVAILABLE, Vol.ERROR
    ),
    "volume.upload_image": StatusTransition("upload", _REST, Vol.UPLOADING),
    "volume.reimage": StatusTransition(
        "reimage", frozenset({Vol.AVAILABLE, Vol.RESERVED, Vol.ERROR}), Vol.DOWNLOADING,
        None, Vol.ERROR,
    ),
    "volume.delete": StatusTransition(
        "delete", frozenset({Vol.AVAILABLE}) | VOLUME_ERRORS, Vol.DELETING, Vol.DELETED,
        Vol.ERROR_DELETING,
    ),
    "backup.create": StatusTransition("back up", _REST, Vol.BACKING_UP),
    "backup.restore": StatusTransition(
        "restore a backup to", frozenset({Vol.AVAILABLE}), Vol.RESTORING, Vol.AVAILABLE,
        Vol.ERROR_RESTORING,
    ),
}

SNAPSHOT: dict[str, StatusTransition] = {
    "snapshot.create": StatusTransition(
        "create", frozenset({Snap.CREATING}), Snap.CREATING, Snap.AVAILABLE, Snap.ERROR
    ),
    "snapshot.delete": StatusTransition(
        "delete", frozenset({Snap.AVAILABLE, Snap.ERROR, Snap.ERROR_DELETING}), Snap.DELETING,
        Snap.DELETED, Snap.ERROR_DELETING,
    ),
    "backup.create": StatusTransition(
        "back up", frozenset({Snap.AVAILABLE}), Snap.BACKING_UP, Snap.AVAILABLE, Snap.AVAILABLE
    ),
    "snapshot.manage": StatusTransition(
        "manage", frozenset({Snap.CREATING}), Snap.CREATING, Snap.AVAILABLE, Snap.ERROR
    ),
    "snapshot.unmanage": StatusTransition(
        "unmanage", frozenset({Snap.AVAILABLE}), Snap.UNMANAGING, Snap.DELETED
    ),
}

BACKUP: dict[str, StatusTransition] = {
    "backup.create": StatusTransition(
        "create", frozenset({Backup.CREATING}), Backup.CREATING, Backup.AVAILABLE, Backup.ERROR
    ),
    "backup.restore": StatusTransition(
        "restore", frozenset({Backup.AVAILABLE}), Backup.RESTORING, Backup.AVAILABLE
    ),
    # to a volume that is made from it
    "volume.create": StatusTransition(
        "restore", frozenset({Backup.AVAILABLE}), Backup.RESTORING, Backup.AVAILABLE
    ),
    "backup.import": StatusTransition(
        "import", frozenset({Backup.CREATING}), Backup.CREATING, Backup.AVAILABLE, Backup.ERROR
    ),
    "backup.delete": StatusTransition(
        "delete", frozenset({Backup.AVAILABLE, Backup.ERROR, Backup.ERROR_DELETING}),
        Backup.DELETING, Backup.DELETED, Backup.ERROR_DELETING,
    ),
}

#: Operations that may bring a volume to another backend.
MOVES = frozenset({"volume.migrate", "volume.retype"})
#: Removes what a move has left where the volume does not lie; the volume's status stays its own.
DISCARD = "volume.discard"


#: Kinds of operations that may copy a whole disk, and get the time for it; those on volumes,
#: snapshots and backups do too.
COPIES = frozenset({"server.create_image", "server.swap_volume"})


def copies(kind: str) -> bool:
    """Whether an operation of that kind may take as long as a disk is big."""
    return kind in COPIES or kind.partition(".")[0] in ("volume", "snapshot", "backup")


#: operation kind -> the step that it always begins with, which is journalled with its claim
FIRST_STEP: dict[str, str] = {
    "server.attach_volume": "connect",
    "server.delete": "destroy",
    "server.detach_volume": "detach",
    "server.reboot": "reboot",
    "server.reboot_hard": "reboot",
    "server.start": "power_on",
    "server.stop": "power_off",
    "snapshot.create": "snapshot",
    "snapshot.delete": "delete",
    "volume.create": "create",
    "volume.delete": "delete",
    "volume.extend": "extend",
}


@dataclass(frozen=True)
class Beside:
    """What an operation that runs beside others on a server asks of it."""

    action: str
    before: frozenset[Vm]


#: Operations that change what a server has and not what it is: its state stays its own.
BESIDE: dict[str, Beside] = {
    "server.attach_volume": Beside(
        "attach_volume", frozenset({Vm.ACTIVE, Vm.STOPPED, Vm.PAUSED})
    ),
    "server.detach_volume": Beside(
        "detach_volume", frozenset({Vm.ACTIVE, Vm.STOPPED, Vm.PAUSED, Vm.ERROR})
    ),
    "server.swap_volume": Beside("swap_volume", frozenset({Vm.ACTIVE, Vm.PAUSED})),
}
