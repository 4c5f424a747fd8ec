"""A guest as libvirt's XML, and back.

Names, ids and the metadata element tell whose guest it is, so that a leftover on a host can be
recognised without our database.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from xml.etree import ElementTree as ET

from mycloud.compute.connectors.base import DiskSource
from mycloud.compute.drivers.base import GuestSpec
from mycloud.compute.drivers.libvirt import disks, files

NAME_PREFIX = "mycloud-"
NAMESPACE = "urn:mycloud:server:1"
_SERIAL_CHARACTERS = 20  # as many as virtio-blk tells to a guest
_NOT_IN_XML = re.compile("[^\t\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SUFFIXES = "abcdefghijklmnopqrstuvwxyz"
#: how the disks of a bus are called
_PREFIXES = {"virtio": "vd", "scsi": "sd", "sata": "sd", "usb": "sd", "ide": "hd"}

ET.register_namespace("mycloud", NAMESPACE)


@dataclasses.dataclass(frozen=True)
class Machine:
    """What the host gives to the guest.

    :ivar virt_type: ``kvm`` or ``qemu``
    :ivar directory: where the guest's files are
    :ivar sources: where the bytes of its volumes are, by the volume's id
    :ivar agent_socket: by which the guest's agent is reached; None: where libvirt likes
    """

    virt_type: str
    arch: str
    directory: Path
    sources: dict[str, DiskSource] = dataclasses.field(default_factory=dict)
    agent_socket: str | None = None


def name_of(server_id: str) -> str:
    """The name of the server's domain."""
    return NAME_PREFIX + server_id


def server_id_of(domain_name: str) -> str | None:
    """The server whose domain has that name; None if it is not one of ours."""
    if not domain_name.startswith(NAME_PREFIX):
        return None
    return domain_name.removeprefix(NAME_PREFIX)


def xml(spec: GuestSpec, machine: Machine) -> str:
    """The definition of the guest."""
    root = ET.Element("domain", type=machine.virt_type)
    _add(root, "name", name_of(spec.server_id))
    _add(root, "uuid", spec.server_id)
    _add(root, "title", _clean(spec.name))
    root.append(_metadata(spec))
    _add(root, "memory", str(spec.memory_mb), unit="MiB")
    _add(root, "vcpu", str(spec.vcpus), placement="static")
    root.append(_sysinfo(spec))
    system = _add(root, "os")
    _add(system, "type", "hvm", arch=machine.arch)
    _add(system, "smbios", mode="sysinfo")
    features = _add(root, "features")
    _add(features, "acpi")
    _add(features, "apic")
    # TCG's default model lacks what today's distributions are compiled for
    mode = "host-passthrough" if machine.virt_type == "kvm" else "maximum"
    cpu = _add(root, "cpu", mode=mode)
    _add(cpu, "topology", sockets=str(spec.vcpus), cores="1", threads="1")
    _add(root, "clock", offset="utc")
    _add(root, "on_poweroff", "destroy")
    _add(root, "on_reboot", "restart")
    _add(root, "on_crash", "destroy")
    root.append(_devices(spec, machine))
    return ET.tostring(root, encoding="unicode")


def _metadata(spec: GuestSpec) -> ET.Element:
    metadata = ET.Element("metadata")
    server = ET.SubElement(metadata, f"{{{NAMESPACE}}}server", id=spec.server_id)
    for key, value in sorted(spec.metadata.items()):
        owner = ET.SubElement(server, f"{{{NAMESPACE}}}owner", kind=_clean(key))
        owner.text = _clean(value)
    if spec.image is not None:
        ET.SubElement(server, f"{{{NAMESPACE}}}image", id=_clean(spec.image.id))
    return metadata


def _sysinfo(spec: GuestSpec) -> ET.Element:
    """What a guest reads from its firmware; cloud-init knows OpenStack by the product."""
    info = ET.Element("sysinfo", type="smbios")
    system = _add(info, "system")
    for name, value in (
        ("manufacturer", "mycloud"),
        ("product", "OpenStack Compute"),
        ("serial", spec.server_id),
        ("uuid", spec.server_id),
    ):
        _add(system, "entry", value, name=name)
    return info


def _devices(spec: GuestSpec, machine: Machine) -> ET.Element:
    devices = ET.Element("devices")
    usb = "usb" in {each.bus for each in spec.volumes} | {each.bus for each in spec.blank_disks}
    _add(devices, "controller", type="usb", model="qemu-xhci" if usb else "none")
    # small cloud kernels have no driver for a SATA or IDE drive, nor for libvirt's default here
    _add(devices, "controller", type="scsi", index="0", model="virtio-scsi")
    _disks(devices, spec, machine)
    serial = _add(devices, "serial", type="pty")
    _add(serial, "log", file=str(machine.directory / files.CONSOLE), append="on")
    _add(serial, "target", port="0")
    console = _add(devices, "console", type="pty")
    _add(console, "target", type="serial", port="0")
    if spec.image is not None and _is_true(spec.image.properties.get("hw_qemu_guest_agent")):
        channel = _add(devices, "channel", type="unix")
        if machine.agent_socket is not None:
            _add(channel, "source", mode="bind", path=machine.agent_socket)
        _add(channel, "target", type="virtio", name="org.qemu.guest_agent.0")
    rng = _add(devices, "rng", model="virtio")
    _add(rng, "backend", "/dev/urandom", model="random")
    balloon = _add(devices, "memballoon", model="virtio")
    _add(balloon, "stats", period="10")
    return devices


def _disks(devices: ET.Element, spec: GuestSpec, machine: Machine) -> None:
    """Volumes have the targets that were promised to the user; the guest's own take the rest."""
    taken = {each.device for each in spec.volumes}
    taken |= {each.device for each in spec.blank_disks if each.device}
    for name, blank in files.local_disks(spec):
        bus = blank.bus if blank is not None else "virtio"
        target = (blank.device if blank is not None else None) or _free_target(bus, taken)
        taken.add(target)
        disk = _add(devices, "disk", type="file", device="disk")
        kind = "qcow2" if name == files.ROOT else "raw"
        _add(disk, "driver", name="qemu", type=kind, discard="unmap")
        _add(disk, "source", file=str(machine.directory / name))
        _add(disk, "target", dev=target, bus=bus)
        _add(disk, "serial", f"{name}-{spec.server_id}"[:_SERIAL_CHARACTERS])
        if name == files.ROOT:
            _add(disk, "boot", order="1")
    for volume in spec.volumes:
        devices.append(disks.element(volume, machine.sources[volume.volume_id], boot=True))
    if spec.config_files is not None:
        disk = _add(devices, "disk", type="file", device="cdrom")
        _add(disk, "driver", name="qemu", type="raw")
        _add(disk, "source", file=str(machine.directory / files.CONFIG))
        _add(disk, "target", dev=_free_target("scsi", taken), bus="scsi")
        _add(disk, "readonly")


def _free_target(bus: str, taken: set[str]) -> str:
    prefix = _PREFIXES[bus]
    return next(f"{prefix}{each}" for each in _SUFFIXES if f"{prefix}{each}" not in taken)


def _is_true(word: str | None) -> bool:
    return (word or "").lower() in ("yes", "true", "1")


def _add(parent: ET.Element, tag: str, text: str | None = None, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag, attributes)
    element.text = text
    return element


def _clean(text: str) -> str:
    """Without the characters that XML, or libvirt in a title, can't hold."""
    return _NOT_IN_XML.sub(" ", text)
