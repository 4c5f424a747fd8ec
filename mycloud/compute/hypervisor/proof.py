"""Whether KVM works here: a guest that boots in it is the only proof.

/dev/kvm may open, and libvirt may advertise it, on a machine where every real kernel dies in
it after most of a minute (some nested and emulated hosts).  So the tiny guest of
tools/guest-image.sh is booted once, with a deadline, and the outcome is remembered until the
machine is booted again or QEMU changes.
"""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

from oslo_concurrency import lockutils, processutils
from oslo_log import log

from mycloud.common import clock
from mycloud.compute.drivers import hostinfo
from mycloud.privileged import client as privileged
from mycloud.privileged import errors

LOG = log.getLogger(__name__)

KVM = "kvm"
TCG = "qemu"
DEADLINE_SECONDS = 15
DEVICE = Path("/dev/kvm")
_READY = "GUEST READY"
_MEMORY_MB = 128
#: how timeout(1) ends when it had to end the guest: politely, or by force
_TIMED_OUT = (124, 137, -9)


@dataclasses.dataclass(frozen=True)
class Proof:
    """The outcome of one try.

    :ivar virt_type: ``kvm`` or ``qemu`` (TCG), as libvirt names them
    :ivar reason: one sentence for people
    :ivar seconds: how long the guest took to boot, or to be given up
    """

    virt_type: str
    reason: str
    seconds: float
    boot_id: str
    qemu: str


def virt_type(
    state_dir: Path,
    boot_files: Path,
    *,
    device: Path = DEVICE,
    deadline: float = DEADLINE_SECONDS,
) -> Proof:
    """Which accelerator guests on this host get.

    :param state_dir: remembers the outcome in ``kvm-proof.json``
    :param boot_files: a directory with the ``vmlinuz`` and ``initrd.img`` of the tiny guest;
        if they are not there yet nothing is proved, nothing remembered, and TCG it is
    :param deadline: seconds that the guest gets
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    with lockutils.lock(
        "kvm-proof", external=True, lock_path=str(state_dir), do_log=False
    ):
        boot_id, qemu = _boot_id(), _qemu_version()
        remembered = recall(state_dir)
        if remembered and (remembered.boot_id, remembered.qemu) == (boot_id, qemu):
            return remembered
        refusal = _refusal(boot_files, device)
        if refusal is not None:
            return Proof(TCG, refusal, 0.0, boot_id, qemu)
        started = clock.monotonic()
        works, reason = _try(boot_files, deadline)
        proof = Proof(
            KVM if works else TCG, reason, round(clock.monotonic() - started, 2), boot_id, qemu
        )
        _remember(state_dir, proof)
    LOG.info("Accelerator %s: %s", proof.virt_type, proof.reason)
    return proof


def recall(state_dir: Path) -> Proof | None:
    """What was found out before, perhaps before the machine was booted again."""
    try:
        return Proof(**json.loads((state_dir / "kvm-proof.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _refusal(boot_files: Path, device: Path) -> str | None:
    if not device.exists():
        return "this machine has no /dev/kvm"
    if not os.access(device, os.R_OK | os.W_OK):
        if device == DEVICE:
            _ask_root_helper()
        if not os.access(device, os.R_OK | os.W_OK):
            return "/dev/kvm is there, but this user may not open it"
    if not all((boot_files / name).exists() for name in ("vmlinuz", "initrd.img")):
        return "/dev/kvm is there, but there is no guest yet to prove it with"
    return None


def _ask_root_helper() -> None:
    """For the device, where a root helper is."""
    helper = privileged.current()
    if helper is None or not helper.path.exists():
        return
    try:
        privileged.call.kvm_grant()
    except errors.PrivilegedError as error:
        LOG.warning("KVM: %s", error.message)


def _try(boot_files: Path, deadline: float) -> tuple[bool, str]:
    command = [
        # it also ends the guest if this process is killed meanwhile
        "timeout", "--kill-after=3", str(deadline),
        f"qemu-system-{hostinfo.architecture()}", "-accel", "kvm", "-cpu", "host",
        "-m", str(_MEMORY_MB), "-nodefaults", "-no-user-config", "-display", "none",
        "-no-reboot", "-monitor", "none", "-serial", "stdio",
        "-kernel", str(boot_files / "vmlinuz"), "-initrd", str(boot_files / "initrd.img"),
        "-append", "console=ttyS0 quiet panic=-1 proof",
    ]
    try:
        said, _ = processutils.execute(*command, env_variables={**os.environ, "LC_ALL": "C"})
    except processutils.ProcessExecutionError as error:
        if error.exit_code in _TIMED_OUT:
            return False, f"a guest did not boot in KVM within {deadline:g} s"
        words = (error.stderr or "no reason given").strip().splitlines()
        return False, f"QEMU could not run a guest in KVM: {words[-1]}"
    if _READY not in said:
        return False, "a guest in KVM ended before it was ready"
    return True, "a guest booted in KVM"


def _remember(state_dir: Path, proof: Proof) -> None:
    path = state_dir / "kvm-proof.json"
    fresh = path.with_name(f".kvm-proof.{clock.new_id()}")
    fresh.write_text(json.dumps(dataclasses.asdict(proof), indent=1) + "\n")
    fresh.replace(path)


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _qemu_version() -> str:
    try:
        said, _ = processutils.execute(
            f"qemu-system-{hostinfo.architecture()}", "--version"
        )
    except (processutils.ProcessExecutionError, OSError):
        return "none"
    return said.splitlines()[0] if said else "none"
