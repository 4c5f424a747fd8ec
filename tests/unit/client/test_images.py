"""Images: uploads and downloads that are never whole in memory, patches, guesses."""

import hashlib
import io
import os
from pathlib import Path

import fixtures

from mycloud.client import errors, images
from tests.fixtures.fake_cloud import DROP, Reply, Seen
from tests.unit.client.test_transport import TransportCase

ID = "i1"
ONE = f"/image/v2/images/{ID}"
FILE = f"{ONE}/file"


class UploadTest(TransportCase):
    def setUp(self) -> None:
        super().setUp()
        self.content = os.urandom(3 * images.BLOCK + 17)
        path = Path(self.useFixture(fixtures.TempDir()).path) / "image"
        path.write_bytes(self.content)
        self.file = path.open("rb")
        self.addCleanup(self.file.close)
        self.cloud.on("GET", ONE, Reply(200, self.document()))

    def document(self, **more: object) -> dict[str, object]:
        return {"id": ID, "status": "active", "name": "n", "size": len(self.content)} | more

    def received(self) -> list[Seen]:
        return self.cloud.asked("PUT", FILE)

    def test_bytes_arrive_in_blocks_with_their_length(self) -> None:
        self.cloud.on("PUT", FILE, Reply(204))
        told: list[int] = []
        self.client().images.upload(ID, self.file, progress=told.append)
        (put,) = self.received()
        self.assertEqual(self.content, put.content)
        self.assertEqual(str(len(self.content)), put.headers["content-length"])
        self.assertEqual(4, len(told))
        self.assertEqual(len(self.content), told[-1])

    def test_starts_again_from_the_beginning(self) -> None:
        self.cloud.on("PUT", FILE, Reply(503), DROP, Reply(401), Reply(204))
        self.client().images.upload(ID, self.file)
        self.assertEqual([self.content] * 4, [put.content for put in self.received()])

    def test_starts_where_the_file_stood(self) -> None:
        self.cloud.on("PUT", FILE, Reply(503), Reply(204))
        self.file.seek(100)
        self.client().images.upload(ID, self.file)
        self.assertEqual([self.content[100:]] * 2, [put.content for put in self.received()])

    def test_a_pipe_is_sent_without_length(self) -> None:
        self.cloud.on("PUT", FILE, Reply(204))
        self.client().images.upload(ID, _Pipe(self.content))
        (put,) = self.received()
        self.assertEqual(self.content, put.content)
        self.assertEqual("chunked", put.headers["transfer-encoding"])

    def test_a_pipe_is_not_sent_twice(self) -> None:
        self.cloud.on("PUT", FILE, Reply(503))
        error = self.assertRaises(
            errors.ClientError, self.client().images.upload, ID, _Pipe(self.content)
        )
        self.assertIn("can't be read twice", str(error))

    def test_an_empty_file(self) -> None:
        self.cloud.on("PUT", FILE, Reply(204))
        self.file.seek(0, os.SEEK_END)
        self.client().images.upload(ID, self.file)
        self.assertEqual(b"", self.received()[0].content)

    def test_conflict_after_a_lost_answer_is_success_if_all_is_there(self) -> None:
        self.cloud.on("PUT", FILE, DROP, Reply(409, {"message": "not queued"}))
        image = self.client().images.upload(ID, self.file)
        self.assertEqual("active", image.status)
        self.cloud.on("GET", ONE, Reply(200, self.document(size=5)))
        self.file.seek(0)
        self.assertRaises(errors.Conflict, self.client().images.upload, ID, self.file)


class _Pipe(io.RawIOBase):
    """Bytes that can be read once."""

    def __init__(self, content: bytes):
        self._content = io.BytesIO(content)

    def seekable(self) -> bool:
        return False

    def read(self, size: int = -1) -> bytes:
        return self._content.read(size)


class DownloadTest(TransportCase):
    def serve(self, content: bytes, **more: object) -> None:
        document = {
            "id": ID,
            "status": "active",
            "size": len(content),
            "os_hash_algo": "sha512",
            "os_hash_value": hashlib.sha512(content).hexdigest(),
        }
        self.cloud.on("GET", ONE, Reply(200, document | more))
        self.cloud.on("GET", FILE, Reply(200, content))

    def test_bytes_and_checksum(self) -> None:
        content = os.urandom(2 * images.BLOCK + 1)
        self.serve(content)
        file = io.BytesIO()
        self.client().images.download(ID, file)
        self.assertEqual(content, file.getvalue())

    def test_damage_is_noticed(self) -> None:
        self.serve(b"abc", os_hash_value="0" * 128)
        error = self.assertRaises(
            errors.ClientError, self.client().images.download, ID, io.BytesIO()
        )
        self.assertIn("arrived damaged", str(error))

    def test_too_few_bytes_are_noticed(self) -> None:
        self.serve(b"abc", size=4)
        error = self.assertRaises(
            errors.ClientError, self.client().images.download, ID, io.BytesIO()
        )
        self.assertIn("4 bytes and 3 arrived", str(error))


class ChangeTest(TransportCase):
    def test_patch(self) -> None:
        document = {"id": ID, "status": "active", "name": "old", "gone": "x"}
        self.cloud.on("GET", ONE, Reply(200, document))
        self.cloud.on("PATCH", ONE, Reply(200, document))
        self.client().images.update(ID, {"name": "new", "a/b~c": "1"}, remove=["gone"])
        (patch,) = self.cloud.asked("PATCH", ONE)
        self.assertEqual(
            "application/openstack-images-v2.1-json-patch", patch.headers["content-type"]
        )
        expected = [
            {"op": "replace", "path": "/name", "value": "new"},
            {"op": "add", "path": "/a~1b~0c", "value": "1"},
            {"op": "remove", "path": "/gone"},
        ]
        self.assertEqual(expected, patch.body)

    def test_guesses(self) -> None:
        for expected, content in (
            ("qcow2", b"QFI\xfb\0\0"),
            ("iso", b"\0" * 0x8001 + b"CD001"),
            ("raw", b""),
            ("raw", b"\xebM"),
        ):
            file = io.BytesIO(content)
            self.assertEqual((expected, 0), (images.guess_disk_format(file), file.tell()))
        self.assertEqual("raw", images.guess_disk_format(_Pipe(b"QFI\xfb")))

    def test_wait_ends_with_a_killed_image(self) -> None:
        self.cloud.on("GET", ONE, Reply(200, {"id": ID, "status": "killed", "name": "n"}))
        error = self.assertRaises(errors.ResourceFailed, self.client().images.wait, ID)
        self.assertIn("killed", str(error))
