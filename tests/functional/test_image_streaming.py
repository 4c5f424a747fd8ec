"""Image data over a real HTTP server of the process's own kind: eventlet's, or waitress."""

import os
import socket
import tracemalloc

import requests
import testtools

from mycloud.common import clock, concurrency, exceptions, wsgi_server
from mycloud.disk import image_source, image_upload
from mycloud.objects.image_source import ImageSource
from tests.fixtures.image_service import ImageService

_MIB = 1 << 20
_TYPE = {"Content-Type": "application/octet-stream"}


class StreamingTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.service = self.useFixture(ImageService())
        self.red = self.service.as_("red")
        sock = wsgi_server.listen("127.0.0.1", 0)
        settings = wsgi_server.ServerSettings(pool_size=8)
        self.server = wsgi_server.Server(self.service.app, sock, settings)
        self.server.start()
        self.addCleanup(self.server.close)
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update(self.red.headers)
        self.addCleanup(self.session.close)

    def url(self, image_id):
        return f"{self.server.url}/image/v2/images/{image_id}/file"

    def put(self, image_id, data):
        return self.session.put(self.url(image_id), data=data, headers=_TYPE, timeout=60)

    def wait(self, question):
        deadline = clock.monotonic() + 20
        while not question():
            self.assertLess(clock.monotonic(), deadline, "it has not happened after 20 s")
            concurrency.sleep(0.02)

    def test_in_chunks_and_in_one_piece(self):
        data = os.urandom(3 * _MIB + 17)
        chunked, whole = self.red.create()["id"], self.red.create()["id"]
        blocks = (data[start : start + 10007] for start in range(0, len(data), 10007))
        self.assertEqual(204, self.put(chunked, blocks).status_code)
        self.assertEqual(204, self.put(whole, data).status_code)
        for image_id in (chunked, whole):
            self.assertEqual(data, self.session.get(self.url(image_id), timeout=60).content)
            part = self.session.get(
                self.url(image_id), headers={"Range": "bytes=1000-2000"}, timeout=60
            )
            self.assertEqual((206, data[1000:2001]), (part.status_code, part.content))

    def test_no_bytes_in_no_chunks(self):
        image_id = self.red.create()["id"]
        self.assertEqual(204, self.put(image_id, iter(())).status_code)
        self.assertEqual(0, self.red.show(image_id)["size"])

    def test_it_is_never_in_memory_whole(self):
        block = os.urandom(_MIB // 4)
        image_id = self.red.create()["id"]
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        before, _ = tracemalloc.get_traced_memory()
        self.assertEqual(204, self.put(image_id, (block for _ in range(192))).status_code)
        with self.session.get(self.url(image_id), stream=True, timeout=60) as answer:
            got = sum(len(each) for each in answer.iter_content(_MIB // 4))
        _, peak = tracemalloc.get_traced_memory()
        self.assertEqual(48 * _MIB, got)
        # waitress keeps up to 16 MiB of an answer ready
        self.assertLess(peak - before, 24 * _MIB)

    def test_a_refusal_reaches_a_client_that_is_still_sending(self):
        image_id = self.red.active(b"first")["id"]
        answer = self.put(image_id, (bytes(_MIB // 4) for _ in range(16)))
        self.assertEqual(409, answer.status_code)
        self.assertIn("active", answer.json()["error"]["message"])
        lying = self.red.create(disk_format="vmdk")["id"]
        header = b"QFI\xfb\0\0\0\x03".ljust(512, b"\0")
        answer = self.put(lying, iter([header] + [bytes(_MIB // 4)] * 16))
        self.assertEqual(400, answer.status_code, answer.text)
        self.assertIn("qcow2", answer.json()["error"]["message"])
        self.assertEqual("queued", self.red.show(lying)["status"])

    def test_a_compute_host_on_another_machine_downloads_it(self):
        data = os.urandom(2 * _MIB)
        image_id = self.red.active(data)["id"]
        self.service.set("endpoint", f"{self.server.url}/image")
        with self.service.in_role():
            source = ImageSource.get(self.red.context, image_id)
        target = self.service.state / "fetched"
        image_source.bring(source, target)
        self.assertEqual(data, target.read_bytes())
        source.path = "/nonexistent"
        target.unlink()
        image_source.bring(source, target)
        self.assertEqual(data, target.read_bytes())
        self.red.ask("DELETE", f"/images/{image_id}")
        self.assertRaises(exceptions.Unavailable, image_source.bring, source, target)

    def test_a_compute_host_on_another_machine_uploads_what_it_made(self):
        data = os.urandom(2 * _MIB)
        file = self.service.state / "made"
        file.write_bytes(data)
        self.service.set("endpoint", f"{self.server.url}/image")
        image_id = self.red.create(disk_format=None)["id"]
        with self.service.in_role():
            image_upload.send(self.red.context, image_id, file, "raw")
        self.assertEqual(data, self.red.ask("GET", f"/images/{image_id}/file").body)
        with self.service.in_role():
            # a second time; the image has its data
            again = self.assertRaises(
                exceptions.StateConflict, image_upload.send, self.red.context, image_id,
                file, "raw",
            )
        self.assertIn("active", str(again))
        self.service.set("endpoint", "http://127.0.0.1:1/image")
        with self.service.in_role():
            lost = self.red.create()["id"]
            self.assertRaises(
                exceptions.Unavailable, image_upload.send, self.red.context, lost, file, "raw"
            )

    def test_others_are_served_while_much_comes_in(self):
        image_id = self.red.create()["id"]
        block = bytes(_MIB)
        upload = concurrency.spawn(self.put, image_id, (block for _ in range(64)))
        answers = 0
        with requests.Session() as session:
            session.trust_env = False
            session.headers.update(self.red.headers)
            while not upload.done:
                got = session.get(f"{self.server.url}/image/v2/schemas/image", timeout=20)
                self.assertEqual(200, got.status_code)
                answers += 1
        self.assertEqual(204, upload.wait(60).status_code)
        self.assertGreater(answers, 5)

    def half(self, image_id, headers, body):
        """Begin an upload and hang up."""
        sock = socket.create_connection((self.server.host, self.server.port), timeout=20)
        lines = [f"PUT /image/v2/images/{image_id}/file HTTP/1.1", "Host: x"]
        for name, value in {**self.red.headers, **_TYPE, **headers}.items():
            lines.append(f"{name}: {value}")
        sock.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return sock

    def test_a_client_that_hangs_up_leaves_nothing(self):
        chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
        for headers, body in (
            ({"Content-Length": str(_MIB)}, bytes(100000)),
            ({"Transfer-Encoding": "chunked"}, chunk),
            ({"Transfer-Encoding": "chunked"}, chunk + b"nonsense\r\n"),
        ):
            image_id = self.red.create()["id"]
            sock = self.half(image_id, headers, body)
            if concurrency.is_eventlet() and b"nonsense" not in body:
                # waitress asks nobody before the last byte has come
                self.wait(lambda each=image_id: self.red.show(each)["status"] == "saving")
            sock.close()
            self.wait(lambda each=image_id: self.red.show(each)["status"] == "queued")
            self.wait(lambda: not self.service.files())
            self.assertEqual(204, self.put(image_id, b"again").status_code)
            self.red.ask("DELETE", f"/images/{image_id}")
