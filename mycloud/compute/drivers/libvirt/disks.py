"""A volume's disk as libvirt's XML, and back.

A disk is a volume's if its alias says so; its serial is the volume's id. A disk that was swapped
keeps alias and serial until the guest starts anew, so the domain's metadata tells which volume is
at its target by now.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import libvirt

from mycloud.compute.connectors.base import DiskSource
from mycloud.compute.drivers.base import VolumeDisk
from mycloud.compute.drivers.libvirt import secrets
from mycloud.disk import luks

ALIAS_PREFIX = "ua-"
#: whose metadata tells what was swapped
NAMESPACE = "urn:mycloud:volumes:1"
_KEY = "mycloudvolumes"
_DEFAULT_ISCSI_PORT = "3260"


@dataclasses.dataclass(frozen=True)
class Found:
    """A volume's disk in a definition."""

    volume_id: str
    element: ET.Element

    @property
    def target(self) -> str:
        """Its name among the disks, e.g. ``vdb``."""
        element = self.element.find("target")
        return "" if element is None else element.get("dev", "")

    @property
    def alias(self) -> str:
        """Its name in events."""
        element = self.element.find("alias")
        return "" if element is None else element.get("name", "")

    @property
    def identity(self) -> tuple[str, ...]:
        """See ``identity``."""
        return identity(self.element)

    @property
    def grows(self) -> bool:
        """Whether QEMU can let it grow while it is open."""
        return (
            self.element.get("type") in ("file", "block")
            and self.element.find("source/slices") is None
        )

    @property
    def path(self) -> Path | None:
        """The file or device that it is, if it is one."""
        place = self.element.find("source")
        found = None if place is None else place.get("file") or place.get("dev")
        return Path(found) if found else None

    @property
    def is_encrypted(self) -> bool:
        """Whether QEMU encrypts what the guest writes."""
        return self.element.find("source/encryption") is not None

    def xml(self) -> str:
        """The element as libvirt takes it."""
        return ET.tostring(self.element, encoding="unicode")


def element(disk: VolumeDisk, source: DiskSource, *, boot: bool = False) -> ET.Element:
    """The disk of a volume.

    :param boot: tell its place in the order of booting too; a guest that is defined already has
        its order
    """
    root = ET.Element("disk", device=disk.device_type)
    driver = ET.SubElement(root, "driver", name="qemu", type=source.format, discard="unmap")
    place = source_into(root, source)
    if source.path is None:
        driver.set("cache", "none")
        # the guest waits for an export that has died, instead of losing what it writes
        driver.set("error_policy", "stop")
        driver.set("rerror_policy", "stop")
    elif takes_direct_io(source.path):
        driver.set("cache", "none")
        driver.set("io", "native")
    else:
        driver.set("cache", "writeback")
    if disk.secret is not None:
        encryption = ET.SubElement(place, "encryption", format="luks", engine="qemu")
        ET.SubElement(
            encryption, "secret", type="passphrase", usage=secrets.luks_usage(disk.volume_id)
        )
    ET.SubElement(root, "target", dev=disk.device, bus=disk.bus)
    if disk.iotune:
        tune = ET.SubElement(root, "iotune")
        for name, value in sorted(disk.iotune.items()):
            ET.SubElement(tune, name).text = str(value)
    if disk.read_only or disk.device_type == "cdrom":
        ET.SubElement(root, "readonly")
    if disk.shareable:
        ET.SubElement(root, "shareable")
    ET.SubElement(root, "serial").text = disk.volume_id
    if boot and disk.boot_index is not None and disk.boot_index >= 0:
        ET.SubElement(root, "boot", order=str(disk.boot_index + 1))
    ET.SubElement(root, "alias", name=ALIAS_PREFIX + disk.volume_id)
    return root


def copy_element(path: Path, disk_format: str) -> ET.Element:
    """A file that a disk is copied to."""
    root = ET.Element("disk")
    ET.SubElement(root, "driver", name="qemu", type=disk_format)
    source_into(root, DiskSource(disk_format, path))
    return root


def source_into(root: ET.Element, source: DiskSource) -> ET.Element:
    """Tell a disk element, or a copy's, where its bytes are; returns the source element."""
    if source.path is not None:
        root.set("type", "block" if source.is_block_device else "file")
        attribute = "dev" if source.is_block_device else "file"
        return ET.SubElement(root, "source", {attribute: str(source.path)})
    root.set("type", "network")
    place = ET.SubElement(root, "source", protocol=str(source.protocol), name=source.name)
    if source.protocol == "nbd":
        # said in any case: libvirt's own default may be either
        place.set("tls", "yes" if source.tls else "no")
    if source.socket is not None:
        ET.SubElement(place, "host", transport="unix", socket=source.socket)
    else:
        ET.SubElement(place, "host", name=source.host, port=str(source.port))
    if source.chap is not None:
        auth = ET.SubElement(place, "auth", username=source.chap.username)
        ET.SubElement(auth, "secret", type="iscsi", usage=secrets.chap_usage(source))
    if source.protocol == "iscsi" and source.initiator is not None:
        initiator = ET.SubElement(place, "initiator")
        ET.SubElement(initiator, "iqn", name=source.initiator)
    return place


def limit(root: ET.Element, size: int) -> None:
    """Let the guest see only ``size`` bytes of a disk that is bigger."""
    place = root.find("source")
    assert place is not None
    slices = ET.Element("slices")
    header = 0 if place.find("encryption") is None else luks.HEADER_BYTES
    ET.SubElement(slices, "slice", type="storage", offset="0", size=str(size + header))
    place.insert(0, slices)


def identity(holder: ET.Element) -> tuple[str, ...]:
    """What tells whether two elements with a source speak of the same place."""
    place = holder.find("source")
    if place is None:
        return ()
    path = place.get("file") or place.get("dev")
    if path:
        return ("path", path)
    host = place.find("host")
    at = {} if host is None else dict(host.attrib)
    return (
        place.get("protocol", ""), place.get("name", ""), at.get("socket", ""),
        at.get("name", ""), "" if at.get("socket") else at.get("port", _DEFAULT_ISCSI_PORT),
    )


def words(found: ET.Element) -> str:
    """Where a disk's bytes are, without secrets."""
    place = found.find("source")
    if place is None:
        return "nowhere"
    path = place.get("file") or place.get("dev")
    if path:
        return f"local {path}"
    protocol = place.get("protocol", "")
    host = place.find("host")
    at = {} if host is None else dict(host.attrib)
    where = at.get("socket") or f"{at.get('name', '')}:{at.get('port', '')}"
    # the name of an NBD export opens it; that of an iSCSI target does not
    return f"nbd {where}" if protocol == "nbd" else f"{protocol} {where} {place.get('name', '')}"


def volumes(definition: ET.Element) -> dict[str, Found]:
    """The volumes' disks in the XML of a domain."""
    swapped = _swapped(definition)
    found = {}
    for each in definition.findall("devices/disk"):
        serial = each.findtext("serial") or ""
        alias = each.find("alias")
        if alias is None or not alias.get("name", "").startswith(ALIAS_PREFIX):
            continue
        target = each.find("target")
        name = "" if target is None else target.get("dev", "")
        volume_id = swapped.get(name, serial)
        found[volume_id] = Found(volume_id, each)
    return found


def live(dom: Any) -> dict[str, Found]:
    """The volumes' disks that a running guest has; none of a guest that is off."""
    if not dom.isActive():
        return {}
    return volumes(ET.fromstring(dom.XMLDesc()))


def persistent(dom: Any) -> dict[str, Found]:
    """The volumes' disks that the guest has when it starts next."""
    return volumes(ET.fromstring(dom.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)))


def replace(conn: Any, dom: Any, new: Mapping[str, ET.Element]) -> None:
    """Change the disks in the persistent definition; targets, addresses and order of booting stay.

    :param new: the id of a volume that has a disk there -> the new element
    """
    flags = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
    definition = ET.fromstring(dom.XMLDesc(flags))
    devices = definition.find("devices")
    assert devices is not None
    for volume_id, found in volumes(definition).items():
        fresh = new.get(volume_id)
        if fresh is None:
            continue
        for tag in ("target", "address", "boot"):
            for old in fresh.findall(tag):
                fresh.remove(old)
            fresh.extend(found.element.findall(tag))
        devices.insert(list(devices).index(found.element), fresh)
        devices.remove(found.element)
    conn.defineXML(ET.tostring(definition, encoding="unicode"))


def remember_swap(dom: Any, target: str, volume_id: str) -> None:
    """Let the running domain tell which volume is at a target by now."""
    swapped = {**_swapped(ET.fromstring(dom.XMLDesc())), target: volume_id}
    root = ET.Element("swapped")
    for name, each in sorted(swapped.items()):
        ET.SubElement(root, "disk", target=name, volume=each)
    dom.setMetadata(
        libvirt.VIR_DOMAIN_METADATA_ELEMENT, ET.tostring(root, encoding="unicode"), _KEY,
        NAMESPACE, libvirt.VIR_DOMAIN_AFFECT_LIVE,
    )


def forget_swap(dom: Any, target: str) -> None:
    """The disk at the target is gone."""
    swapped = _swapped(ET.fromstring(dom.XMLDesc()))
    if target in swapped:
        remember_swap(dom, target, "")


def _swapped(definition: ET.Element) -> dict[str, str]:
    """Target -> volume."""
    found = definition.find(f"metadata/{{{NAMESPACE}}}swapped")
    return {
        each.get("target", ""): each.get("volume", "")
        for each in ([] if found is None else found)
        if each.get("volume")
    }


def takes_direct_io(path: Path) -> bool:
    """Whether the file system lets a file be read past the host's cache."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECT))
    except OSError:
        return False
    return True
