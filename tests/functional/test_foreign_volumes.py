"""What is another project's in block storage answers as what never existed: on every route."""

import datetime
import json
from typing import Any

import sqlalchemy as sa

from mycloud.api import volume
from mycloud.api.routing import Route
from mycloud.api.versions import VOLUME
from mycloud.common import clock, context
from mycloud.db import engine
from mycloud.db.models import (
    backups,
    volume_attachments,
    volume_messages,
    volume_snapshots,
    volume_type_access,
    volume_types,
    volumes,
)
from tests.fixtures import seeds
from tests.fixtures.cloud import PROJECT
from tests.fixtures.compute_api import Answer, ComputeApiCase
from tests.fixtures.everything import filled, gaps
from tests.fixtures.volume_rows import backup_row, snapshot_row, volume_row

#: What the gaps that belong to somebody follow.
OWNED = {"attachments", "backups", "messages", "snapshots", "types", "volumes"}
CONNECTOR = {"host": "elsewhere", "initiator": "iqn.2026-01.test:one", "multipath": False}
PLACE = {"host_name": "elsewhere", "mountpoint": "/dev/vdb"}
LUKS = {"provider": "luks", "control_location": "front-end"}
#: (verb, path, action) -> a body that the owner, or an administrator, might send.
BODIES: dict[tuple[str, str, str | None], Any] = {
    ("PUT", "/attachments/{}", None): {"attachment": {"connector": CONNECTOR}},
    ("PUT", "/backups/{}", None): {"backup": {"name": "two"}},
    ("POST", "/backups/{}/restore", None): {"restore": {}},
    ("POST", "/volumes/{}/metadata", None): {"metadata": {"a": "b"}},
    ("PUT", "/volumes/{}/metadata", None): {"metadata": {"colour": "b"}},
    ("PUT", "/volumes/{}/metadata/{}", None): {"meta": {"colour": "b"}},
    ("POST", "/snapshots/{}/metadata", None): {"metadata": {"a": "b"}},
    ("PUT", "/snapshots/{}/metadata", None): {"metadata": {"colour": "b"}},
    ("PUT", "/snapshots/{}/metadata/{}", None): {"meta": {"colour": "b"}},
    ("PUT", "/snapshots/{}", None): {"snapshot": {"name": "two"}},
    ("PUT", "/volumes/{}", None): {"volume": {"name": "two"}},
    ("PUT", "/types/{}", None): {"volume_type": {"name": "two"}},
    ("POST", "/types/{}/encryption", None): {"encryption": LUKS},
    ("PUT", "/types/{}/encryption/{}", None): {"encryption": LUKS},
    ("POST", "/types/{}/extra_specs", None): {"extra_specs": {"a": "b"}},
    ("PUT", "/types/{}/extra_specs/{}", None): {"multiattach": "<is> True"},
}
#: By the action's name.
ACTIONS: dict[str, Any] = {
    "addProjectAccess": {"project": "8" * 32},
    "removeProjectAccess": {"project": PROJECT},
    "os-extend": {"new_size": 2},
    "os-set_bootable": {"bootable": True},
    "os-update_readonly_flag": {"readonly": True},
    "os-reset_status": {"status": "error"},
    "os-update_snapshot_status": {"status": "available"},
    "os-set_image_metadata": {"metadata": {"a": "b"}},
    "os-unset_image_metadata": {"key": "colour"},
    "os-attach": {**PLACE, "mode": "rw"},
    "os-force_detach": {"attachment_id": None, "connector": CONNECTOR},
    "os-initialize_connection": {"connector": CONNECTOR},
    "os-terminate_connection": {"connector": CONNECTOR},
    "os-retype": {"new_type": "mine", "migration_policy": "never"},
    "os-migrate_volume": {"host": "test@disks#disks"},
    "os-volume_upload_image": {"image_name": "of it"},
    "os-reimage": {"image_id": seeds.IMAGE_ID},
    "revert": {"snapshot_id": "11111111-2222-4333-8444-555555555555"},
    "os-extend_volume_completion": {"error": False},
    "os-migrate_volume_completion": {
        "new_volume": "11111111-2222-4333-8444-555555555555", "error": False
    },
}  # fmt: skip


def rows() -> list[Route]:
    """Those that name something owned."""
    return [
        row
        for row in volume.rows()
        if OWNED & set(gaps(row.path)) and row.covers(VOLUME.maximum)
    ]


class ForeignTest(ComputeApiCase):
    hosts = 0

    def own(self) -> dict[str, str]:
        """New things of the member; ids by what they follow in paths."""
        now = clock.now()
        made = {
            "volumes": (volumes, volume_row(
                host="test@disks#disks", metadata={"colour": "red"},
                image_metadata={"colour": "red"})),
            "snapshots": (volume_snapshots, snapshot_row(metadata={"colour": "red"})),
            "backups": (backups, backup_row()),
            "types": (volume_types, {
                "id": clock.new_id(), "name": clock.new_id(), "is_public": False,
                "extra_specs": {"multiattach": "<is> True"}, "created_at": now}),
            "messages": (volume_messages, {
                "id": clock.new_id(), "project_id": PROJECT, "request_id": "req-1",
                "event_id": "x", "resource_type": "VOLUME", "message": "No room.",
                "expires_at": now + datetime.timedelta(days=1), "created_at": now}),
        }  # fmt: skip
        ids = {name: row["id"] for name, (_, row) in made.items()}
        attachment = {
            "id": clock.new_id(), "project_id": PROJECT, "volume_id": ids["volumes"],
            "status": "reserved", "created_at": now,
        }  # fmt: skip
        access = {"volume_type_id": ids["types"], "project_id": PROJECT}
        # the snapshot is of the volume, or it could not be
        made["snapshots"][1]["volume_id"] = ids["volumes"]
        with context.role(context.API), engine.writer() as conn:
            for table, row in made.values():
                conn.execute(sa.insert(table).values(**row))
            conn.execute(sa.insert(volume_attachments).values(**attachment))
            conn.execute(sa.insert(volume_type_access).values(**access))
        return {
            **ids, "attachments": attachment["id"], "metadata": "colour",
            "extra_specs": "multiattach", "encryption": "encryption_key_id",
        }  # fmt: skip

    def send(self, row: Route, ids: dict[str, str], by: Any) -> Answer:
        plain = filled(row.path, dict.fromkeys(gaps(row.path), "{}"))
        body = BODIES.get((row.verb, plain, row.action))
        if row.action:
            body = {row.action: ACTIONS.get(row.action)}
        if body is None and row.body is not None:
            body = {}
        return self.call(
            row.verb, filled(row.path, ids), body, by=by, version=None, api="/volume/v3",
            OpenStack_API_Version=f"volume {VOLUME.maximum}",
        )

    def test_a_stranger_learns_nothing(self) -> None:
        foreign = self.own()
        never = {
            name: clock.new_id() if name in OWNED else value for name, value in foreign.items()
        }
        differing = []
        for row in rows():
            seen = []
            for ids in (foreign, never):
                answer = self.send(row, ids, self.stranger)
                text = json.dumps(answer.body)
                for value in ids.values():
                    text = text.replace(value, "(it)")
                seen.append((answer.status, sorted(answer.headers), text))
            if seen[0] != seen[1] or seen[0][0] not in (403, 404):
                differing.append((row.verb, row.path, row.action, seen))
        self.assertEqual([], differing)

    def test_a_stranger_lists_nothing(self) -> None:
        ids = self.own()
        for path in (
            "/volumes", "/volumes/detail", "/snapshots", "/snapshots/detail", "/backups",
            "/backups/detail", "/attachments", "/attachments/detail", "/messages", "/types",
            "/volumes?all_tenants=1", "/snapshots/detail?all_tenants=1", "/types?is_public=none",
            "/backups?all_tenants=1", "/attachments?all_tenants=1",
            f"/volumes?project_id={PROJECT}&all_tenants=1", f"/volumes?id={ids['volumes']}",
        ):  # fmt: skip
            answer = self.call("GET", path, by=self.stranger, version=None, api="/volume/v3",
                               OpenStack_API_Version=f"volume {VOLUME.maximum}")  # fmt: skip
            self.assertIn(answer.status, (200, 403, 404), path)
            for value in (ids[name] for name in OWNED):
                if f"id={value}" not in path:
                    self.assertNotIn(value, answer.raw.decode(), path)

    def test_the_same_requests_find_what_is_theirs(self) -> None:
        """Else the other tests prove nothing."""
        lost, missed = [], []
        for row in rows():
            for by in (self.member, self.operator):
                answer = self.send(row, self.own(), by)
                line = f"{row.verb} {row.path} {row.action} {answer}"
                # the rows are there, the bytes are not
                code = answer.headers.get("X-Mycloud-Error-Code")
                found = answer.status != 404 or code == "volume_not_on_backend"
                # what their bodies name is not there
                named = row.action in ("revert", "os-retype")
                if not found and "encryption/{key}" not in row.path and not named:
                    lost.append(line)
                if answer.status == 400 and b"for field/attribute" in answer.raw:
                    missed.append(line)
        self.assertEqual([], missed, "the test's bodies are not what the rows want")
        self.assertEqual([], lost)
