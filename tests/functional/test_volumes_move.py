"""Volumes that go to another backend or get another type, offline and with a guest."""

from typing import Any

from oslo_config import cfg

from mycloud.common import faults
from mycloud.common.states import Vol
from mycloud.db import engine, volume_pools
from mycloud.db.models import operations, volumes
from tests.fixtures.volume_api import Answer, VolumeApiCase

HOSTS = "os-vol-host-attr:host"
NAME_ID = "os-vol-mig-status-attr:name_id"


class MoveCase(VolumeApiCase):
    """Has two backends, ``east`` and ``west``, and a volume type for each."""

    hosts = 1

    def options(self) -> dict[str, Any]:
        return {"backends": {"east": {}, "west": {}}}

    def setUp(self) -> None:
        super().setUp()
        self.types = {name: self.make_type(name, volume_backend_name=name)
                      for name in ("east", "west")}
        self.cloud.wait(self.published, what="the pools")

    def published(self) -> bool:
        with engine.reader() as conn:
            return len(volume_pools.every(conn)) == 2

    def make_type(self, name: str, **specs: str) -> str:
        answer = self.volume_call(
            "POST", "/types", {"volume_type": {"name": name, "extra_specs": specs}},
            by=self.operator,
        )
        self.assertEqual(200, answer.status, answer)
        found: str = answer.body["volume_type"]["id"]
        return found

    def place(self, name: str) -> str:
        return f"test@{name}#{name}"

    def driver(self, name: str) -> Any:
        return self.cloud.volumes[name].driver

    def names(self, name: str) -> list[str]:
        found: list[str] = self.driver(name).names()
        return found

    def eastern(self, content: str = "hello", **values: Any) -> dict[str, Any]:
        """A volume that lies east and holds a text, as an administrator sees it."""
        made = self.make_volume(volume_type="east", **values)
        self.driver("east").write(made["id"], content)
        return self.shown(made["id"], by=self.operator)

    def migrate(self, volume_id: str, host: str = "test@west", **more: Any) -> Answer:
        by = more.pop("by", self.operator)
        return self.act(volume_id, "os-migrate_volume", {"host": host, **more}, by=by)

    def retype(self, volume_id: str, kind: str, policy: str = "on-demand", **more: Any) -> Answer:
        wanted = {"new_type": kind, "migration_policy": policy}
        return self.act(volume_id, "os-retype", wanted, **more)

    def end_of(self, answer: Answer) -> dict[str, Any]:
        self.assertEqual(202, answer.status, answer)
        return self.ended(answer.headers["X-Mycloud-Operation-Id"])

    def settled(self) -> None:
        """Wait until no operation is open."""

        def none_open() -> bool:
            with engine.reader() as conn:
                rows = conn.execute(operations.select()).mappings()
                return not [row for row in rows if row["finished_at"] is None]

        self.cloud.wait(none_open, what="the end of all operations")

    def claimed(self) -> dict[str, int]:
        with engine.reader() as conn:
            return {row["pool"]: row["allocated_gb"] for row in volume_pools.every(conn)}

    def row(self, volume_id: str) -> Any:
        def look() -> Any:
            with engine.reader() as conn:
                return conn.execute(
                    volumes.select().where(volumes.c.id == volume_id)
                ).mappings().one()

        return self.cloud.in_role(look)

    def assert_east(self, volume_id: str, content: str = "hello") -> None:
        """It lies where it lay, as it was, and there is nothing of it elsewhere."""
        self.settled()
        shown = self.shown(volume_id, by=self.operator)
        self.assertEqual(self.place("east"), shown[HOSTS])
        row = self.row(volume_id)
        self.assertIsNone(row["moves_to"])
        self.assertIsNone(row["operation_id"])
        self.assertEqual(content, self.driver("east").read(row["name_id"] or volume_id))
        self.assertEqual([], self.names("west"))
        self.assertEqual({"east": 1, "west": 0}, self.cloud.in_role(self.claimed))
        self.assertEqual({}, self.cloud.volumes["west"].board.all())

    def assert_west(self, volume_id: str, content: str = "hello") -> None:
        """All of it lies there, and nothing is left."""
        self.settled()
        shown = self.shown(volume_id, by=self.operator)
        self.assertEqual(self.place("west"), shown[HOSTS])
        self.assertEqual("success", shown["migration_status"])
        self.assertEqual([shown[NAME_ID]], self.names("west"))
        self.assertEqual(content, self.driver("west").read(shown[NAME_ID]))
        self.assertEqual([], self.names("east"))
        self.assertEqual({"east": 0, "west": 1}, self.cloud.in_role(self.claimed))


class OfflineTest(MoveCase):
    hosts = 0

    def test_retype_with_a_move(self) -> None:
        volume = self.eastern()
        done = self.end_of(self.retype(volume["id"], "west"))
        self.assertEqual("succeeded", done["state"], done)
        shown = self.volume_when(volume["id"], Vol.AVAILABLE)
        self.assertEqual("west", shown["volume_type"])
        self.assert_west(volume["id"])
        # and back: each move has a name of its own
        self.assertEqual("succeeded", self.end_of(self.retype(volume["id"], "east"))["state"])
        self.assert_east(volume["id"])

    def test_migrate(self) -> None:
        self.make_type("any")
        volume = self.make_volume(volume_type="any")
        [home] = [name for name in ("east", "west") if self.names(name)]
        [other] = {"east", "west"} - {home}
        self.driver(home).write(volume["id"], "hello")
        done = self.end_of(self.migrate(volume["id"], f"test@{other}"))
        self.assertEqual("succeeded", done["state"], done)
        self.settled()
        shown = self.shown(volume["id"], by=self.operator)
        self.assertEqual(self.place(other), shown[HOSTS])
        self.assertEqual("hello", self.driver(other).read(shown[NAME_ID]))
        self.assertEqual([], self.names(home))
        # what comes afterwards finds it by its new name
        extended = self.act(volume["id"], "os-extend", {"new_size": 2})
        self.assertEqual("succeeded", self.end_of(extended)["state"])
        self.assertEqual(202, self.volume_call("DELETE", f"/volumes/{volume['id']}").status)
        self.volume_gone(volume["id"])
        self.assertEqual([], self.names(other))

    def test_retype_in_place(self) -> None:
        self.make_type("plain")
        volume = self.eastern()
        done = self.end_of(self.retype(volume["id"], "plain", "never"))
        self.assertEqual("succeeded", done["state"], done)
        shown = self.shown(volume["id"], by=self.operator)
        self.assertEqual("plain", shown["volume_type"])
        self.assertIsNone(shown["migration_status"])
        self.assertIsNone(shown[NAME_ID])
        self.assert_east(volume["id"])

    def test_what_may_not_move(self) -> None:
        volume = self.eastern()
        done = self.end_of(self.retype(volume["id"], "west", "never"))
        self.assertEqual("failed", done["state"])
        self.assertIn("volume_backend_name=west", done["reason"])
        self.assertIn("on-demand", done["reason"])
        self.volume_when(volume["id"], Vol.AVAILABLE)
        snapshot = self.make_snapshot(volume["id"])
        done = self.end_of(self.retype(volume["id"], "west"))
        self.assertIn("it has snapshots", done["reason"])
        answer = self.migrate(volume["id"])
        self.assertEqual(400, answer.status, answer)
        self.assertIn("snapshots", answer.message)
        self.assertEqual(202, self.volume_call("DELETE", f"/snapshots/{snapshot['id']}").status)

    def test_refusals(self) -> None:
        volume = self.eastern()
        for host, word in (("test@east", "already"), ("test@east#east", "already"),
                           ("test@north", "no storage pool"), ("", "")):
            answer = self.migrate(volume["id"], host)
            self.assertEqual(400, answer.status, answer)
            self.assertIn(word, answer.message)
        self.assertEqual(403, self.migrate(volume["id"], by=self.member).status)
        self.assertEqual(400, self.retype(volume["id"], "east").status)
        self.assertEqual(404, self.retype(volume["id"], "none of that name").status)
        self.assertEqual(400, self.retype(volume["id"], "west", "perhaps").status)
        self.assertEqual(404, self.retype(volume["id"], "west", by=self.stranger).status)
        done = self.act(
            volume["id"], "os-migrate_volume_completion", {"new_volume": volume["id"]},
            by=self.operator,
        )
        self.assertEqual(400, done.status, done)
        kind = self.make_type("secret")
        answer = self.volume_call(
            "POST", f"/types/{kind}/encryption",
            {"encryption": {"provider": "luks", "control_location": "front-end",
                            "cipher": "aes-xts-plain64", "key_size": 256}}, by=self.operator,
        )
        self.assertEqual(200, answer.status, answer)
        answer = self.retype(volume["id"], "secret")
        self.assertEqual(400, answer.status, answer)
        self.assertIn("encrypted", answer.message)
        self.assert_east(volume["id"])

    def test_the_quota_of_the_new_type_counts(self) -> None:
        answer = self.volume_call(
            "PUT", f"/os-quota-sets/{self.member.project_id}",
            {"quota_set": {"volumes_west": 0}}, by=self.operator,
        )
        self.assertEqual(200, answer.status, answer)
        volume = self.eastern()
        answer = self.retype(volume["id"], "west")
        self.assertEqual(413, answer.status, answer)
        self.assert_east(volume["id"])

    def test_a_place_that_does_not_fit(self) -> None:
        volume = self.eastern()
        # its type asks for the other backend
        done = self.end_of(self.migrate(volume["id"]))
        self.assertEqual("failed", done["state"])
        shown = self.volume_when(volume["id"], Vol.AVAILABLE)
        self.assertEqual("error", shown["migration_status"])
        self.assert_east(volume["id"])

    def test_a_failure_at_every_step(self) -> None:
        volume = self.eastern()
        for backend, verb in (("west", "create"), ("east", "source"), ("west", "source")):
            self.driver(backend).faults.set(faults.Fault(verb, count=1))
            done = self.end_of(self.retype(volume["id"], "west"))
            self.assertEqual("failed", done["state"], verb)
            shown = self.volume_when(volume["id"], Vol.AVAILABLE)
            self.assertEqual("east", shown["volume_type"])
            self.assert_east(volume["id"])
        self.assertEqual("succeeded", self.end_of(self.retype(volume["id"], "west"))["state"])
        self.assert_west(volume["id"])

    def test_old_bytes_that_can_not_be_removed_at_once(self) -> None:
        volume = self.eastern()
        self.driver("east").faults.set(faults.Fault("delete", count=1))
        self.assertEqual("succeeded", self.end_of(self.retype(volume["id"], "west"))["state"])

        def waits() -> Any:
            with engine.reader() as conn:
                rows = list(conn.execute(operations.select()).mappings())
            return [row for row in rows if row["payload"].get("tries") == 1]

        self.cloud.wait(waits, what="another try")
        self.assertEqual([volume["id"]], self.names("east"))
        # a service that starts takes up what waits for it
        self.cloud.restart("test@east")
        self.assert_west(volume["id"])

    def test_a_lock(self) -> None:
        volume = self.eastern()
        self.make_type("any")
        self.end_of(self.retype(volume["id"], "any", "never"))
        self.driver("west").faults.set(faults.Fault("create", mode=faults.HANG, count=1))
        answer = self.migrate(volume["id"], lock_volume=True)
        self.assertEqual(202, answer.status, answer)
        self.assertEqual(Vol.MAINTENANCE, self.shown(volume["id"])["status"])
        again = self.migrate(volume["id"])
        self.assertEqual(400, again.status, again)
        self.driver("west").faults.set()
        self.assertEqual("succeeded", self.end_of(answer)["state"])
        self.volume_when(volume["id"], Vol.AVAILABLE)
        self.assert_west(volume["id"])

    def test_the_service_is_restarted_in_between(self) -> None:
        volume = self.eastern()
        self.driver("west").faults.set(faults.Fault("create", mode=faults.HANG, count=1))
        answer = self.retype(volume["id"], "west")
        self.assertEqual(202, answer.status, answer)
        self.cloud.wait(lambda: self.row(volume["id"])["moves_to"], what="the placement")
        # what hangs is not waited for
        cfg.CONF.set_override("graceful_shutdown_timeout_seconds", 1)
        self.cloud.restart("test@west")
        self.driver("west").faults.set()
        self.assertEqual("succeeded", self.end_of(answer)["state"])
        self.assert_west(volume["id"])


class DrainTest(MoveCase):
    hosts = 0

    def drain(self, host: str = "test@east", **more: Any) -> Answer:
        by = more.pop("by", self.operator)
        return self.call(
            "POST", f"/backends/{host}/drain", {"drain": more}, api="/cloud/v1", by=by
        )

    def test_all_that_can_move_moves(self) -> None:
        self.make_type("any")
        for backend, disabled in (("west", True), ("east", False)):
            self.switch(backend, disabled=disabled)
        ids = [self.make_volume(volume_type="any")["id"] for _ in range(3)]
        pinned, kept = self.eastern()["id"], self.make_volume(volume_type="any")["id"]
        self.make_snapshot(kept)
        self.switch("west", disabled=False)
        failed: list[str] = []
        rounds = 0
        while True:
            answer = self.drain(to="test@west", skip=failed)
            self.assertEqual(202, answer.status, answer)
            found = answer.body["drain"]
            if not found["moving"]:
                break
            rounds += 1
            [moving] = found["moving"]
            if self.ended(moving["operation_id"])["state"] == "failed":
                failed.append(moving["volume_id"])
        self.settled()
        self.assertEqual([pinned], failed)
        self.assertEqual(4, rounds)
        [stays] = found["staying"]
        self.assertEqual(kept, stays["volume_id"])
        self.assertIn("snapshots", stays["reason"])
        self.assertEqual(3, len(self.names("west")))
        self.assertEqual(sorted([pinned, kept]), self.names("east"))
        for volume_id in ids:
            shown = self.shown(volume_id, by=self.operator)
            self.assertEqual(self.place("west"), shown[HOSTS])
        [service] = self.volume_call(
            "GET", "/os-services?host=test@east", by=self.operator
        ).body["services"]
        self.assertEqual(("disabled", "drained"), (service["status"], service["disabled_reason"]))

    def test_refusals(self) -> None:
        self.assertEqual(404, self.drain("test@nowhere").status)
        self.assertEqual(403, self.drain(by=self.member).status)
        for to in ("test@east", "test@nowhere"):
            self.assertEqual(400, self.drain(to=to).status)
        self.assertEqual(400, self.drain(at_once=0).status)

    def switch(self, backend: str, *, disabled: bool) -> None:
        verb = "disable" if disabled else "enable"
        answer = self.volume_call(
            "PUT", f"/os-services/{verb}",
            {"host": f"test@{backend}", "binary": "cinder-volume"}, by=self.operator,
        )
        self.assertEqual(200, answer.status, answer)
