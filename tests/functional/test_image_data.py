"""The data of images: in, checked on the way, out again, and nothing left of what failed."""

import base64
import hashlib
import io
import os
import shutil
import struct
import subprocess

import fixtures
import testtools
import webob

from mycloud.common import clock, exceptions, states
from mycloud.db import engine, image_tickets, images
from mycloud.image import janitor, sources, store, uploads
from tests.fixtures.image_service import ImageService

_MIB = 1 << 20


def qcow2(*, backing: bytes = b"", size: int = 64 * _MIB) -> bytes:
    """The first cluster of a qcow2 of version 3, which is all that inspectors look at."""
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        b"QFI\xfb", 3, 1024 if backing else 0, len(backing), 16, size, 0,
        1, 0x30000, 0x10000, 1, 0, 0, 0, 0, 0, 4, 104,
    )
    return (header.ljust(1024, b"\0") + backing).ljust(65536, b"\0")


class DataTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.service = self.useFixture(ImageService())
        self.red = self.service.as_("red")

    def refused(self, status, code, answer):
        self.assertEqual(
            (status, code), (answer.status_int, answer.headers["X-Mycloud-Error-Code"]),
            answer.text,
        )
        return answer.json["error"]["message"]

    def receive(self, image_id, blocks, announced=None):
        """Upload below the HTTP server, where a test decides what comes when."""
        with self.service.in_role():
            uploads.receive(self.red.context, image_id, blocks, announced=announced)

    def row(self, image_id):
        with self.service.in_role(), engine.reader() as conn:
            return images.get(conn, image_id, images.Viewer("red"))

    def assertUntouched(self, image_id):
        row = self.row(image_id)
        self.assertEqual(("queued", None, None), (row["status"], row["size"], row["upload_id"]))
        self.assertEqual([], [name for name in self.service.files() if image_id in name])


class UploadTest(DataTest):
    def test_what_went_in_comes_out(self):
        data = bytes(range(256)) * 4096
        image = self.red.active(data)
        self.assertEqual("active", image["status"])
        self.assertEqual((_MIB, _MIB), (image["size"], image["virtual_size"]))
        self.assertEqual(hashlib.md5(data).hexdigest(), image["checksum"])
        self.assertEqual("sha512", image["os_hash_algo"])
        self.assertEqual(hashlib.sha512(data).hexdigest(), image["os_hash_value"])
        answer = self.red.ask("GET", f"/images/{image['id']}/file")
        self.assertEqual(data, answer.body)
        self.assertEqual("application/octet-stream", answer.headers["Content-Type"])
        digest = base64.b64encode(hashlib.md5(data).digest()).decode()
        self.assertEqual(digest, answer.headers["Content-MD5"])
        head = self.red.ask("HEAD", f"/images/{image['id']}/file")
        self.assertEqual((b"", str(_MIB)), (head.body, head.headers["Content-Length"]))

    def test_no_data_at_all_is_data(self):
        image = self.red.active(b"")
        self.assertEqual(("active", 0), (image["status"], image["size"]))

    def test_before_the_upload_there_is_nothing_to_download(self):
        answer = self.red.ask("GET", f"/images/{self.red.create()['id']}/file")
        self.assertEqual((204, b""), (answer.status_int, answer.body))

    def test_data_comes_once(self):
        image_id = self.red.active(b"first")["id"]
        message = self.refused(409, "state_conflict", self.red.upload(image_id, b"second"))
        self.assertIn("active", message)
        self.assertEqual(b"first", self.red.ask("GET", f"/images/{image_id}/file").body)
        self.assertEqual(1, len(self.service.files()))

    def test_data_must_be_called_data(self):
        answer = self.red.ask("PUT", f"/images/{self.red.create()['id']}/file", {"a": 1})
        self.refused(415, "unsupported_media_type", answer)

    def test_formats_come_before_data(self):
        for missing in ("disk_format", "container_format"):
            image_id = self.red.create(**{missing: None})["id"]
            self.assertIn(missing, self.refused(400, "bad_field", self.red.upload(image_id, b"")))

    def test_too_large_is_refused_before_and_while_it_comes(self):
        self.useFixture(fixtures.MonkeyPatch("mycloud.image.uploads._GIB", _MIB))
        self.service.set("size_limit_gb", 1)
        image_id = self.red.create()["id"]
        e = self.assertRaises(
            exceptions.ImageTooLarge, self.receive, image_id, [], announced=_MIB + 1
        )
        self.assertEqual(413, e.status)
        block = bytes(_MIB // 4)
        self.assertRaises(exceptions.ImageTooLarge, self.receive, image_id, [block] * 5)
        self.assertUntouched(image_id)

    def test_a_project_has_only_so_many_bytes(self):
        self.useFixture(fixtures.MonkeyPatch("mycloud.image.uploads._GIB", _MIB))
        self.service.set("quota_gb", 1)
        self.red.active(b"x" * 1000)
        image_id = self.red.create()["id"]
        e = self.assertRaises(
            exceptions.ImageQuotaExceeded, self.receive, image_id, [], announced=_MIB
        )
        self.assertIn("already used 1000 of", str(e))
        block = bytes(_MIB // 4)
        e = self.assertRaises(
            exceptions.ImageQuotaExceeded, self.receive, image_id, [block] * 4
        )
        self.assertEqual(413, e.status)
        self.assertUntouched(image_id)

    def test_fewer_bytes_than_announced_are_not_kept(self):
        image_id = self.red.create()["id"]
        e = self.assertRaises(
            exceptions.ImageUploadBroken, self.receive, image_id, [b"abc"], announced=4
        )
        self.assertIn("after 3 bytes", str(e))
        self.assertUntouched(image_id)

    def test_a_client_that_goes_away_leaves_nothing(self):
        class Gone(io.RawIOBase):
            def read(self, size=-1):
                if not hasattr(self, "began"):
                    self.began = True
                    return b"x" * 10
                raise ConnectionResetError("gone")

        image_id = self.red.create()["id"]
        request = webob.Request.blank(f"/image/v2/images/{image_id}/file", method="PUT")
        request.headers.update(self.red.headers)
        request.headers["Transfer-Encoding"] = "chunked"
        request.content_type = "application/octet-stream"
        request.environ["wsgi.input"] = Gone()
        answer = request.get_response(self.service.app)
        self.refused(400, "image_upload_broken", answer)
        self.assertUntouched(image_id)
        self.assertEqual(204, self.red.upload(image_id, b"again").status_int)

    def test_one_upload_at_a_time(self):
        image_id = self.red.create()["id"]

        def blocks():
            yield b"first"
            self.assertEqual("saving", self.row(image_id)["status"])
            message = self.refused(409, "state_conflict", self.red.upload(image_id, b"other"))
            self.assertIn("saving", message)
            yield b" last"

        self.receive(image_id, blocks())
        self.assertEqual(b"first last", self.red.ask("GET", f"/images/{image_id}/file").body)

    def test_an_image_deleted_meanwhile_takes_its_data_along(self):
        image_id = self.red.create()["id"]

        def blocks():
            yield b"first"
            self.assertEqual(204, self.red.ask("DELETE", f"/images/{image_id}").status_int)
            yield b" last"

        self.assertRaises(exceptions.ImageUploadLost, self.receive, image_id, blocks())
        self.assertEqual([], self.service.files())

    def test_a_silent_upload_makes_room_for_another(self):
        image_id = self.red.create()["id"]

        def blocks():
            yield b"first"
            long_ago = clock.now().replace(year=2000)
            with self.service.in_role(), engine.writer() as conn:
                images.update(conn, image_id, {"upload_seen_at": long_ago})
            self.assertEqual(204, self.red.upload(image_id, b"other").status_int)
            yield b" last"

        self.assertRaises(exceptions.ImageUploadLost, self.receive, image_id, blocks())
        self.assertEqual(b"other", self.red.ask("GET", f"/images/{image_id}/file").body)
        self.assertEqual(1, len(self.service.files()))

    def test_a_download_under_way_ends_well_though_the_image_is_deleted(self):
        data = b"x" * (3 * 262144)
        image_id = self.red.active(data)["id"]
        answer = self.red.ask("GET", f"/images/{image_id}/file")
        blocks = iter(answer.app_iter)
        got = next(blocks)
        self.assertEqual(204, self.red.ask("DELETE", f"/images/{image_id}").status_int)
        self.assertEqual([], self.service.files())
        self.assertEqual(data, got + b"".join(blocks))


class RangeTest(DataTest):
    def setUp(self):
        super().setUp()
        self.data = bytes(range(100))
        self.path = f"/images/{self.red.active(self.data)['id']}/file"

    def test_parts(self):
        for header, start, end in (
            ("bytes=0-0", 0, 1), ("bytes=10-19", 10, 20), ("bytes=90-", 90, 100),
            ("bytes=-5", 95, 100), ("bytes=95-1000", 95, 100), ("bytes=-1000", 0, 100),
        ):
            answer = self.red.ask("GET", self.path, Range=header)
            self.assertEqual((206, self.data[start:end]), (answer.status_int, answer.body))
            self.assertEqual(f"bytes {start}-{end - 1}/100", answer.headers["Content-Range"])
            self.assertEqual(str(end - start), answer.headers["Content-Length"])
            self.assertNotIn("Content-MD5", answer.headers)

    def test_what_is_not_there(self):
        for header in ("bytes=100-", "bytes=200-300", "bytes=-0"):
            answer = self.red.ask("GET", self.path, Range=header)
            self.refused(416, "range_not_satisfiable", answer)
            self.assertEqual("bytes */100", answer.headers["Content-Range"])

    def test_what_makes_no_sense_is_passed_over(self):
        for header in (
            "bytes=-", "bytes=5-2", "lines=1-2", "bytes=a-b", "bytes=0-1,5-6", "bytes=" + "9" * 30,
        ):
            answer = self.red.ask("GET", self.path, Range=header)
            self.assertEqual((200, self.data), (answer.status_int, answer.body), header)


class FormatTest(DataTest):
    def check(self, disk_format, data, **values):
        """The image after an upload that was accepted."""
        return self.red.active(data, disk_format=disk_format, **values)

    def rejected(self, disk_format, data, *words):
        image_id = self.red.create(disk_format=disk_format)["id"]
        answer = self.red.upload(image_id, data)
        message = self.refused(400, "image_rejected", answer)
        for word in words:
            self.assertIn(word, message)
        self.assertUntouched(image_id)

    def test_the_size_of_the_disk_is_read_from_the_data(self):
        image = self.check("qcow2", qcow2(size=123 * _MIB))
        self.assertEqual((65536, 123 * _MIB), (image["size"], image["virtual_size"]))

    def test_a_lie_is_refused(self):
        self.rejected("raw", qcow2(), "declared as raw", "qcow2")
        self.rejected("vmdk", qcow2(), "declared as vmdk", "qcow2")
        self.rejected("aki", qcow2(), "declared as aki", "qcow2")
        self.rejected("iso", qcow2(), "declared as iso", "qcow2")

    def test_a_lie_is_refused_before_all_of_it_has_come(self):
        image_id = self.red.create()["id"]
        taken = []

        def blocks():
            for _ in range(64):
                taken.append(1)
                yield qcow2() if len(taken) == 1 else bytes(_MIB)

        self.assertRaises(exceptions.ImageRejected, self.receive, image_id, blocks())
        self.assertLess(len(taken), 8)

    def test_a_backing_file_is_refused(self):
        self.rejected("qcow2", qcow2(backing=b"/etc/passwd"), "not safe", "backing file")

    def test_a_partition_table_is_raw(self):
        disk = bytearray(4096)
        disk[446:462] = struct.pack("<B3sB3sII", 0x80, b"\0\0\0", 0x83, b"\0\0\0", 1, 7)
        disk[510:512] = b"\x55\xaa"
        for disk_format in ("raw", "ami", "aki"):
            self.assertEqual(4096, self.check(disk_format, bytes(disk))["virtual_size"])

    def test_an_iso_with_a_partition_table_is_an_iso(self):
        disk = bytearray(40960)
        descriptor = b"\x01CD001\x01".ljust(80, b"\0") + struct.pack("<I", 20) + bytes(44)
        disk[0x8000 : 0x8000 + 128] = descriptor
        disk[0x8000 + 128 : 0x8000 + 130] = struct.pack("<H", 2048)
        self.check("iso", bytes(disk))
        disk[446:462] = struct.pack("<B3sB3sII", 0x80, b"\0\0\0", 0x83, b"\0\0\0", 1, 7)
        disk[510:512] = b"\x55\xaa"
        self.check("iso", bytes(disk))
        self.rejected("raw", bytes(disk), "iso")

    def test_what_is_not_recognised_is_kept_but_does_not_boot(self):
        for disk_format in ("qcow2", "vhd", "vmdk", "iso"):
            image = self.check(disk_format, b"?" * 2000)
            self.assertIsNone(image["virtual_size"])
            e = self.assertRaises(exceptions.ImageRejected, self.service.boot, self.red, image)
            self.assertIn("can't be recognised", str(e))
        image = self.check("raw", b"?" * 2000)
        self.assertEqual(image["os_hash_value"], self.service.boot(self.red, image)["checksum"])

    def test_what_is_not_recognised_is_refused_if_so_set(self):
        self.service.set("refuse_unrecognised", True)
        self.rejected("qcow2", b"?" * 2000, "can't be recognised")
        self.check("raw", b"?" * 2000)

    @testtools.skipUnless(shutil.which("qemu-img"), "qemu-img is not installed")
    def test_what_qemu_img_makes(self):
        folder = self.service.state

        def made(name, *args):
            subprocess.run(
                ["qemu-img", "create", "-q", *args, str(folder / name), "8M"], check=True
            )
            return (folder / name).read_bytes()

        for disk_format, qemu in (
            ("qcow2", "qcow2"), ("vdi", "vdi"), ("vhdx", "vhdx"), ("vhd", "vpc"),
            ("vmdk", "vmdk"),
        ):
            image = self.check(disk_format, made(f"a.{qemu}", "-f", qemu))
            self.assertGreaterEqual(image["virtual_size"], 8 * _MIB)
            self.assertEqual(disk_format, self.row(image["id"])["content_format"])
            self.service.boot(self.red, image)
            self.red.ask("DELETE", f"/images/{image['id']}")
        data_file = f"data_file={folder / 'outside.raw'}"
        self.rejected("qcow2", made("b.qcow2", "-f", "qcow2", "-o", data_file), "data_file")
        flat = made("c.vmdk", "-f", "vmdk", "-o", "subformat=monolithicFlat")
        self.rejected("vmdk", flat, "not safe")
        self.rejected("raw", made("d.qed", "-f", "qed"), "qed")


class JanitorTest(DataTest):
    def sweep(self):
        with self.service.in_role():
            janitor.Janitor().init_host()

    def dying(self, image_id, *, part):
        """What a process leaves behind that is killed during an upload."""
        with self.service.in_role(), engine.writer() as conn:
            images.move(
                conn, image_id, states.Image.SAVING,
                {"upload_id": "dead", "upload_seen_at": clock.now()},
            )
        store.directory().mkdir(exist_ok=True)
        path = store.path(image_id, "dead")
        path = path.with_name(path.name + ".part") if part else path
        path.write_bytes(b"half")
        return path

    def test_a_killed_upload_is_forgotten(self):
        image_id = self.red.create()["id"]
        path = self.dying(image_id, part=True)
        self.sweep()
        self.assertTrue(path.exists(), "so young a part may be about to be locked")
        os.utime(path, (1, 1))
        self.sweep()
        self.assertUntouched(image_id)
        self.assertEqual(204, self.red.upload(image_id, b"again").status_int)

    def test_uploads_and_data_in_use_are_left_alone(self):
        kept = self.red.active(b"kept")["id"]
        image_id = self.red.create()["id"]

        def blocks():
            yield b"first"
            for path in store.directory().glob("*.part"):
                os.utime(path, (1, 1))
            self.sweep()
            yield b" last"

        self.receive(image_id, blocks())
        self.sweep()
        for each, data in ((kept, b"kept"), (image_id, b"first last")):
            self.assertEqual(data, self.red.ask("GET", f"/images/{each}/file").body)

    def test_an_upload_killed_at_its_very_end_and_a_deletion_killed(self):
        image_id = self.red.create()["id"]
        self.dying(image_id, part=False)
        with self.service.in_role(), engine.writer() as conn:
            images.update(conn, image_id, {"upload_seen_at": clock.now().replace(year=2000)})
        store.path("deleted-image", "some-upload").write_bytes(b"rest")
        self.sweep()
        self.assertUntouched(image_id)


class TransferTest(DataTest):
    """What a compute host on another machine does."""

    def setUp(self):
        super().setUp()
        self.image_id = self.red.active(b"for hosts")["id"]
        self.nobody = self.service.as_("nobody")
        self.nobody.headers = {}

    def source(self):
        with self.service.in_role():
            return sources.of(None, self.image_id)

    def fetch(self, ticket, image_id=None):
        path = f"/images/{image_id or self.image_id}/transfer"
        return self.nobody.ask("GET", path, X_Mycloud_Image_Ticket=ticket)

    def test_the_file_is_named_and_no_url_that_nobody_knows(self):
        source = self.source()
        with open(source["path"], "rb") as file:
            self.assertEqual(b"for hosts", file.read())
        self.assertEqual((None, None), (source["url"], source["token"]))

    def test_a_ticket_is_good_for_one_image(self):
        self.service.set("endpoint", "http://controller/image/")
        source = self.source()
        self.assertEqual(
            f"http://controller/image/v2/images/{self.image_id}/transfer", source["url"]
        )
        self.assertEqual(b"for hosts", self.fetch(source["token"]).body)
        other = self.red.active(b"other")["id"]
        self.refused(401, "unauthorized", self.fetch(source["token"], other))
        self.refused(401, "unauthorized", self.fetch("guessed"))
        self.refused(401, "unauthorized", self.nobody.ask(
            "GET", f"/images/{self.image_id}/transfer"
        ))

    def test_a_ticket_does_not_live_long(self):
        self.service.set("endpoint", "http://controller/image")
        ticket = self.source()["token"]
        with self.service.in_role(), engine.writer() as conn:
            conn.execute(
                image_tickets.image_tickets.update().values(
                    expires_at=clock.now().replace(year=2000)
                )
            )
        self.refused(401, "unauthorized", self.fetch(ticket))

    def test_an_image_without_data_has_no_source(self):
        self.image_id = self.red.create()["id"]
        self.assertRaises(exceptions.ImageNotFound, self.source)
