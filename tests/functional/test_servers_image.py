"""Images of servers: createImage, from the API to the store."""

from pathlib import Path
from typing import Any

from oslo_config import cfg

from mycloud.common import context
from mycloud.common.faults import FAIL, HANG, Fault
from mycloud.compute.tasks import snapshot
from mycloud.image import janitor, sources, store
from mycloud.objects.image_upload import ImageUpload
from mycloud.objects.operation import Operation
from tests.fixtures import seeds
from tests.fixtures.compute_api import Answer, ComputeApiCase


class ImageOfServerCase(ComputeApiCase):
    def ask(self, server_id: str, *, name: str = "of it", **values: Any) -> Answer:
        metadata = values.pop("metadata", {"purpose": "test"})
        return self.call(
            "POST", f"/servers/{server_id}/action",
            {"createImage": {"name": name, "metadata": metadata}}, **values,
        )

    def operation_of(self, answer: Answer) -> dict[str, Any]:
        return self.ended(answer.headers["X-Mycloud-Operation-Id"])

    def image(self, image_id: str, **values: Any) -> Answer:
        return self.call("GET", f"/images/{image_id}", api="/image/v2", **values)

    def server(self, server_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"/servers/{server_id}").body["server"]
        return found

    @property
    def driver(self) -> Any:
        return self.cloud.computes["host1"].driver

    def assert_nothing_left(self) -> None:
        """No copy on the host, and nothing in the store but the image of the seeds."""
        self.assertEqual([], list((self.cloud.state / "host1" / "snapshots").iterdir()))
        self.assertEqual([], store.brought())
        self.assertEqual({seeds.IMAGE_ID}, {entry.image_id for entry in store.entries()})


class CreateImageTest(ImageOfServerCase):
    def test_life(self) -> None:
        server_id = self.boot()
        for state in ("ACTIVE", "SHUTOFF"):
            if state == "SHUTOFF":
                stop = self.call("POST", f"/servers/{server_id}/action", {"os-stop": None})
                self.operation_of(stop)
            answer = self.ask(server_id)
            self.assertEqual(202, answer.status, answer)
            operation = self.operation_of(answer)
            self.assertEqual("succeeded", operation["state"], operation)
            self.assertEqual(
                ["snapshot", "upload", "drop_snapshot"],
                [step["name"] for step in operation["steps"]],
            )
            shown = self.image(answer.body["image_id"]).body
            self.assertEqual(
                ("of it", "active", "private", "raw", "snapshot", server_id, seeds.IMAGE_ID,
                 "test", 1),
                (shown["name"], shown["status"], shown["visibility"], shown["disk_format"],
                 shown["image_type"], shown["instance_uuid"], shown["base_image_ref"],
                 shown["purpose"], shown["min_disk"]),
            )
            server = self.server(server_id)
            self.assertEqual(
                (state, None), (server["status"], server["OS-EXT-STS:task_state"])
            )
            self.assertIsNone(self.driver.snapshot(server_id, answer.body["image_id"]))
            self.assertEqual([], store.brought())
            # and it boots
            self.boot(image_ref=answer.body["image_id"])

    def test_before_2_45_a_header_names_the_image(self) -> None:
        answer = self.ask(self.boot(), version="2.44")
        self.assertEqual((202, b""), (answer.status, answer.raw))
        image_id = answer.headers["Location"].rpartition("/")[2]
        self.operation_of(answer)
        self.assertEqual("active", self.image(image_id).body["status"])

    def test_found_by_its_server(self) -> None:
        server_id = self.boot()
        answer = self.ask(server_id)
        self.operation_of(answer)
        for query in (f"server={server_id}", "type=snapshot"):
            found = self.call("GET", f"/images?{query}", version="2.1").body["images"]
            self.assertEqual([answer.body["image_id"]], [one["id"] for one in found])

    def test_again_with_the_same_key(self) -> None:
        server_id = self.boot()
        first = self.ask(server_id, Idempotency_Key="once")
        again = self.ask(server_id, Idempotency_Key="once")
        self.assertEqual(first.body, again.body)
        other = self.ask(server_id, name="other", Idempotency_Key="once")
        self.assertEqual(422, other.status, other)
        self.operation_of(first)

    def test_refused(self) -> None:
        server_id = self.boot()
        self.driver.faults.set(Fault("take_snapshot", HANG))
        first = self.ask(server_id)
        second = self.ask(server_id)
        self.assertEqual(409, second.status, second)
        self.assertIn("server.create_image", second.message)
        self.driver.faults.set()
        self.operation_of(first)
        for name in ("visibility", "id", "owner", "status", "os_glance_x", "tags"):
            refused = self.ask(server_id, metadata={name: "x"})
            self.assertIn(refused.status, (400, 403), name)
        self.assertEqual(403, self.ask(server_id, by=self.reader).status)
        self.assertEqual(404, self.ask(server_id, by=self.stranger).status)
        self.assertIsNone(self.server(server_id)["OS-EXT-STS:task_state"])

    def test_quota(self) -> None:
        server_id = self.boot()
        cfg.CONF.set_override("quota_images", 1, group="image")
        answer = self.ask(server_id)
        self.assertIn(answer.status, (403, 413), answer)
        self.assertIsNone(self.server(server_id)["OS-EXT-STS:task_state"])


class FailureTest(ImageOfServerCase):
    def undone(self, answer: Answer, server_id: str) -> dict[str, Any]:
        operation = self.operation_of(answer)
        self.assertEqual(404, self.image(answer.body["image_id"]).status)
        server = self.server(server_id)
        self.assertEqual(("ACTIVE", None), (server["status"], server["OS-EXT-STS:task_state"]))
        self.assert_nothing_left()
        return operation

    def test_the_copy_fails(self) -> None:
        server_id = self.boot()
        self.driver.faults.set(Fault("take_snapshot", FAIL))
        operation = self.undone(self.ask(server_id), server_id)
        self.assertEqual("failed", operation["state"])
        self.assertIn("take_snapshot", operation["reason"])

    def test_the_store_refuses(self) -> None:
        server_id = self.boot()
        self.driver.faults.set(Fault("take_snapshot", HANG))
        answer = self.ask(server_id)
        cfg.CONF.set_override("quota_gb", 0, group="image")
        self.driver.faults.set()
        operation = self.undone(answer, server_id)
        self.assertIn("bytes of image data", operation["reason"])

    def test_the_image_is_deleted_meanwhile(self) -> None:
        server_id = self.boot()
        self.driver.faults.set(Fault("take_snapshot", HANG))
        answer = self.ask(server_id)
        deleted = self.call(
            "DELETE", f"/images/{answer.body['image_id']}", api="/image/v2"
        )
        self.assertEqual(204, deleted.status)
        self.driver.faults.set()
        operation = self.undone(answer, server_id)
        self.assertEqual("image_not_found", operation["code"])

    def test_the_server_is_deleted_meanwhile(self) -> None:
        server_id = self.boot()
        self.driver.faults.set(Fault("take_snapshot", HANG))
        answer = self.ask(server_id)
        self.assertEqual(204, self.call("DELETE", f"/servers/{server_id}").status)
        self.driver.faults.set()
        self.assertEqual("cancelled", self.operation_of(answer)["state"])
        self.assertEqual(404, self.image(answer.body["image_id"]).status)
        self.cloud.wait(
            lambda: self.call("GET", f"/servers/{server_id}").status == 404, what="its end"
        )
        self.assert_nothing_left()

    def test_the_host_knows_what_is_done(self) -> None:
        """What a worker that takes over finds after each step."""
        server_id = self.boot()
        made = self.call("POST", "/images", {"name": "x", "container_format": "bare"},
                         api="/image/v2")
        operation = Operation(
            resource_id=server_id, payload={"image_id": made.body["id"]}
        )
        with context.role(context.COMPUTE):
            steps = snapshot.plan(self.driver, self.cloud.context(), operation).steps
            for number, step in enumerate(steps):
                self.assertFalse(step.done() and number < 2)
                step.do()
                self.assertEqual(
                    [True] * (number + 1), [each.done() for each in steps[: number + 1]]
                )
                # and again, as after a kill before the journal has it
                if step.name != "upload":
                    step.do()
        self.assertEqual("active", self.image(made.body["id"]).body["status"])


class TransferTest(ImageOfServerCase):
    """The way of a host on another machine."""

    def test_upload_with_a_ticket(self) -> None:
        cfg.CONF.set_override("endpoint", "http://cloud.test/image", group="image")
        made = self.call("POST", "/images", {"name": "x", "container_format": "bare"},
                         api="/image/v2")
        image_id = made.body["id"]
        upload = self.cloud.in_role(
            ImageUpload.begin, self.cloud.context(), image_id, "raw"
        )
        self.assertIsNone(upload.path)
        self.assertNotIn(upload.token, repr(upload))
        path = upload.url.removeprefix("http://cloud.test")
        for ticket, status in (("", 401), ("wrong", 401), (upload.token, 204)):
            answer = self.cloud.request(
                "PUT", path, bytes(1 << 20), X_Mycloud_Image_Ticket=ticket,
                Content_Type="application/octet-stream",
            )
            self.assertEqual(status, answer.status_int, answer.text)
        shown = self.image(image_id).body
        self.assertEqual(("active", "raw", 1 << 20), (
            shown["status"], shown["disk_format"], shown["size"]))

    def test_the_inbox_is_swept(self) -> None:
        self.cloud.in_role(sources.to, self._waiting(), "raw")
        gone = store.inbox("no-such-image")
        gone.parent.mkdir(parents=True)
        gone.write_bytes(b"x")
        kept: Path = store.inbox(self._waiting())
        kept.write_bytes(b"x")
        self.cloud.in_role(janitor.sweep)
        self.assertEqual([kept.name], store.brought())

    def _waiting(self) -> str:
        made = self.call("POST", "/images", {"name": "x"}, api="/image/v2")
        image_id: str = made.body["id"]
        return image_id
