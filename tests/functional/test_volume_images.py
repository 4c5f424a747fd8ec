"""Images into volumes and volumes into images, with the real image service and real files."""

import dataclasses
import hashlib
import os
import shutil
import subprocess
import unittest
from pathlib import Path

import fixtures
import testtools

from mycloud.common import exceptions, wsgi_server
from mycloud.disk.image_spec import ImageSpec
from mycloud.volume import images
from mycloud.volume.drivers.base import GIB, BackendSettings
from mycloud.volume.drivers.loader import load
from mycloud.volume.tasks import backend
from tests.contract.volume_driver import peek, poke
from tests.fixtures import mounts
from tests.fixtures.image_service import ImageService

_MIB = 1 << 20


@unittest.skipUnless(shutil.which("qemu-img"), "qemu-img is not installed")
class VolumeImagesTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.service = self.useFixture(ImageService())
        self.red = self.service.as_("red")
        self.root = Path(self.useFixture(fixtures.TempDir()).path)
        self.state = self.root / "state"
        self.driver = self.start()

    def start(self, driver="file", **options):
        made = load(driver, BackendSettings("f1", "files", self.state, options))
        made.do_setup()
        return made

    def serve(self):
        """Let hosts reach the image service over HTTP."""
        sock = wsgi_server.listen("127.0.0.1", 0)
        server = wsgi_server.Server(
            self.service.app, sock, wsgi_server.ServerSettings(pool_size=8)
        )
        server.start()
        self.addCleanup(server.close)
        self.service.set("endpoint", f"{server.url}/image")

    def data(self, disk_format, content, size=3 * _MIB):
        """The bytes of an image."""
        raw, made = self.root / "raw", self.root / "made"
        raw.write_bytes(content)
        os.truncate(raw, size)
        subprocess.run(
            ["qemu-img", "convert", "-f", "raw", "-O", disk_format, raw, made], check=True
        )
        return made.read_bytes()

    def spec(self, data, disk_format, **values):
        """An image of the service with that data; ``values`` are told instead of the truth."""
        made = self.red.active(data, disk_format=disk_format)
        digest = hashlib.sha512(data).hexdigest()
        spec = ImageSpec(made["id"], digest, disk_format, len(data))
        return dataclasses.replace(spec, **values)

    def fill(self, spec):
        """A volume that an image was brought into."""
        self.driver.create("v", 1)
        self.addCleanup(self.driver.delete, "v")
        with self.service.in_role():
            with images.brought(self.red.context, spec, self.state, size_gb=1) as (image, size):
                self.driver.copy_in("v", image, size)
                self.assertEqual(0o700, image.path.parent.stat().st_mode & 0o777)

    def refused(self, error, spec, size_gb=1, state=None):
        with self.service.in_role():
            context = images.brought(self.red.context, spec, state or self.state, size_gb=size_gb)
            raised = self.assertRaises(error, context.__enter__)
        self.assertNotIn(str(self.root), str(raised))
        self.nothing_is_left(state)
        return str(raised)

    def nothing_is_left(self, state=None):
        self.assertEqual([], os.listdir((state or self.state) / "images"))

    # -- into a volume ------------------------------------------------------

    def test_every_format_by_the_file_of_the_store(self):
        for disk_format in ("raw", "qcow2", "vmdk", "vdi", "vhdx"):
            with self.subTest(disk_format):
                self.fill(self.spec(self.data(disk_format, b"hello"), disk_format))
                self.assertEqual(b"hello\0", peek(self.driver.source("v"), 0, 6))
                self.assertEqual(1, self.driver.size_gb("v"))
                self.nothing_is_left()

    def test_into_a_qcow2_volume(self):
        self.driver = self.start(volume_format="qcow2")
        self.fill(self.spec(self.data("raw", b"hello"), "raw"))
        self.assertEqual("qcow2", self.driver.source("v").format)
        self.assertEqual(b"hello\0", peek(self.driver.source("v"), 0, 6))

    def test_into_a_fake_volume(self):
        self.driver = self.start("fake")
        self.fill(self.spec(self.data("raw", b"hello"), "raw"))
        self.assertEqual("hello", self.driver.read("v"))

    def test_image_that_lies_about_its_format(self):
        data = self.data("qcow2", b"hello")
        spec = dataclasses.replace(self.spec(data, "qcow2"), disk_format="raw")
        self.assertIn("qcow2", self.refused(exceptions.ImageRejected, spec))

    def test_image_whose_bytes_have_changed(self):
        spec = self.spec(b"x" * 4096, "raw", checksum="0" * 128)
        self.assertIn("checksum", self.refused(exceptions.ImageRejected, spec))
        spec = self.spec(b"x" * 4096, "raw", size=4095)
        self.assertIn("4095 bytes", self.refused(exceptions.ImageRejected, spec))

    def test_disk_that_does_not_fit_into_the_volume(self):
        spec = self.spec(self.data("qcow2", b"x", 2 * GIB + 512), "qcow2")
        told = self.refused(exceptions.ImageRejected, spec, size_gb=2)
        self.assertIn("it needs 3 GiB", told)

    def test_image_that_is_gone(self):
        spec = self.spec(b"x" * 4096, "raw")
        self.red.ask("DELETE", f"/images/{spec.id}")
        self.refused(exceptions.ImageNotFound, spec)

    @mounts.needs_root
    def test_no_room_for_the_image(self):
        with mounts.tmpfs(self.root / "small", 4) as small:
            data = os.urandom(8 * _MIB)
            for size in (len(data), None):
                spec = self.spec(data, "raw", size=size)
                self.assertIn("MiB free", self.refused(exceptions.DiskFull, spec, state=small))

    # -- out of a volume ----------------------------------------------------

    def upload(self, disk_format, image_id=None):
        image_id = image_id or self.red.create(disk_format=None)["id"]
        with self.service.in_role():
            images.upload(self.red.context, self.driver, "v", image_id, disk_format)
        return image_id

    def volume(self):
        # a store without any image is not there yet
        self.red.active(b"data")
        self.driver.create("v", 1)
        self.addCleanup(self.driver.delete, "v")
        poke(self.driver.source("v"), 0, b"hello")
        poke(self.driver.source("v"), 5 * _MIB, b"world")

    def check(self, image_id, disk_format):
        shown = self.red.show(image_id)
        self.assertEqual(("active", disk_format), (shown["status"], shown["disk_format"]))
        got = self.root / "got"
        got.write_bytes(self.red.ask("GET", f"/images/{image_id}/file").body)
        raw = self.root / "got.raw"
        subprocess.run(
            ["qemu-img", "convert", "-f", disk_format, "-O", "raw", got, raw], check=True
        )
        with raw.open("rb") as file:
            self.assertEqual(b"hello\0", file.read(6))
            file.seek(5 * _MIB)
            self.assertEqual(b"world\0", file.read(6))
        self.nothing_is_left()

    def test_upload(self):
        self.driver = self.start("fake")
        self.volume()
        self.check(self.upload("raw"), "raw")
        self.driver = self.start(volume_dir=str(self.state / "volumes"))
        self.check(self.upload("qcow2"), "qcow2")

    def test_upload_over_http(self):
        self.volume()
        self.serve()
        self.check(self.upload("qcow2"), "qcow2")

    def test_upload_that_is_refused(self):
        self.volume()
        for error, disk_format, image_id in (
            (exceptions.ImageUploadRefused, "vmdk", None),
            (exceptions.ImageNotFound, "qcow2", "11111111-1111-1111-1111-111111111111"),
            (exceptions.StateConflict, "qcow2", self.red.active(b"data")["id"]),
        ):
            self.assertRaises(error, self.upload, disk_format, image_id)
            if disk_format == "qcow2":
                self.nothing_is_left()

    def test_upload_of_no_volume(self):
        self.assertRaises(exceptions.VolumeNotOnBackend, self.upload, "raw")
        self.nothing_is_left()

    # -- after a kill -------------------------------------------------------

    def test_what_a_killed_process_left_goes(self):
        self.assertEqual([], images.clean(self.state))
        (self.state / "images").mkdir()
        for start in (lambda: images.clean(self.state), lambda: backend.start(self.driver)):
            (self.state / "images" / "torn").write_bytes(b"x")
            start()
            self.nothing_is_left()
