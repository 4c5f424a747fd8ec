"""Messages: who reads and deletes them, lists, and that they expire."""

import datetime

import sqlalchemy as sa

from mycloud.common import clock, context
from mycloud.conductor import expiry
from mycloud.db.models import volume_messages
from tests.fixtures.cloud import PROJECT
from tests.fixtures.compute_rows import OTHER_PROJECT
from tests.functional import test_volume_types

DAY = datetime.timedelta(days=1)


class MessagesTest(test_volume_types.Case):
    def add(self, **values):
        now = clock.now()
        row = {
            "id": clock.new_id(), "project_id": PROJECT, "request_id": "req-1",
            "event_id": "VOLUME_VOLUME_001_002", "resource_type": "VOLUME",
            "resource_id": clock.new_id(), "level": "ERROR", "message": "No room.",
            "expires_at": now + DAY, "created_at": now, **values,
        }  # fmt: skip
        self.api.in_writer(
            lambda conn: conn.execute(sa.insert(volume_messages).values(**row))
        )
        return row

    def ids(self, query="", by=None, **kwargs):
        found = self.ask("GET", f"/messages{query}", by=by or self.member, **kwargs)
        return [each["id"] for each in found["messages"]]

    def test_show_and_delete(self):
        row = self.add()
        path = f"/messages/{row['id']}"
        shown = self.ask("GET", path, by=self.api.reader)["message"]
        self.assertEqual(path, shown.pop("links")[0]["href"].partition("/v3")[2])
        self.assertEqual(
            {
                "id": row["id"], "event_id": "VOLUME_VOLUME_001_002", "user_message": "No room.",
                "message_level": "ERROR", "request_id": "req-1", "resource_type": "VOLUME",
                "resource_uuid": row["resource_id"],
                "created_at": row["created_at"].isoformat(timespec="microseconds"),
                "guaranteed_until": row["expires_at"].isoformat(timespec="microseconds"),
            },
            shown,
        )  # fmt: skip
        for method in ("GET", "DELETE"):
            self.ask(method, path, by=self.stranger, status=404)
            self.ask(method, path, version="3.2", status=404)
        self.ask("DELETE", path, by=self.api.reader, status=403)
        self.ask("DELETE", path, by=self.member, status=204)
        self.ask("GET", path, by=self.member, status=404)
        self.ask("DELETE", path, by=self.member, status=404)
        other = self.add(project_id=OTHER_PROJECT)
        self.ask("DELETE", f"/messages/{other['id']}", status=204)

    def test_without_a_resource(self):
        row = self.add(resource_id=None)
        shown = self.ask("GET", f"/messages/{row['id']}", by=self.member)["message"]
        self.assertNotIn("resource_uuid", shown)

    def test_list(self):
        first, second = self.add(level="WARNING")["id"], self.add(request_id="req-2")["id"]
        other = self.add(project_id=OTHER_PROJECT)["id"]
        self.assertEqual([second, first], self.ids())
        self.assertEqual([second, first], self.ids(version="3.3"))
        self.assertEqual([second, first], self.ids("?request_id=req-2", version="3.4"))
        self.assertEqual([second], self.ids("?request_id=req-2"))
        self.assertEqual([first], self.ids("?message_level=WARNING"))
        self.assertEqual([], self.ids("?resource_type=VOLUME_SNAPSHOT"))
        self.assertEqual([first, second], self.ids("?sort=created_at:asc"))
        page = self.ask("GET", "/messages?limit=1", by=self.member)
        link = page["messages_links"][0]["href"].partition("/v3")[2]
        self.assertEqual([first], self.ids(link.removeprefix("/messages")))
        self.assertEqual([other], self.ids(by=self.stranger))
        every = {first, second, other}
        self.assertEqual(every, set(self.ids("?all_tenants=1", by=self.admin)))
        self.ask("GET", "/messages?all_tenants=1", by=self.member, status=403)
        for query in ("limit=x", f"marker={other}", "sort=message", "sort=id:up", "offset=x"):
            self.ask("GET", f"/messages?{query}", by=self.member, status=400)

    def test_expired(self):
        gone, kept = self.add(expires_at=clock.now() - DAY), self.add()
        self.assertEqual([kept["id"]], self.ids())
        self.ask("GET", f"/messages/{gone['id']}", by=self.member, status=404)
        with context.role(context.CONDUCTOR):
            expiry.delete_expired(None)
        left = self.api.in_writer(
            lambda conn: conn.execute(sa.select(volume_messages.c.id)).scalars().all()
        )
        self.assertEqual([kept["id"]], left)
