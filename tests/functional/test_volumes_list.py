"""Lists of volumes: filters, order, pages, and how many statements they take."""

import datetime
from typing import Any
from urllib.parse import quote, urlsplit

import sqlalchemy as sa

from mycloud.common.states import Vol
from mycloud.db import engine
from mycloud.db.models import volumes
from tests.fixtures.compute_api import OTHER_PROJECT
from tests.fixtures.volume_api import VolumeApiCase
from tests.fixtures.volume_rows import volume_row

BEGIN = datetime.datetime(2026, 1, 1)
UNKNOWN = "99999999-2222-4333-8444-555555555555"


class ListTest(VolumeApiCase):
    def setUp(self) -> None:
        super().setUp()
        # two each are of the same moment
        self.ids = [
            self.row(f"v{number}", created_at=BEGIN + datetime.timedelta(days=number // 2),
                     size_gb=number + 1, metadata={"Type": "work", "n": str(number)})
            for number in range(5)
        ]
        self.foreign = self.row("foreign", project_id=OTHER_PROJECT, size_gb=100)

    def row(self, name: str | None, **values: Any) -> str:
        """A volume that no backend has."""
        row = volume_row(name=name, **values)

        def insert() -> None:
            with engine.writer() as conn:
                conn.execute(sa.insert(volumes).values(**row))

        self.cloud.in_role(insert)
        return str(row["id"])

    def names(self, query: str = "", *, path: str = "/volumes", **more: Any) -> list[str]:
        answer = self.volume_call("GET", f"{path}?{query}", **more)
        self.assertEqual(200, answer.status, (query, answer))
        return [row["name"] for row in answer.body["volumes"]]

    def refused(self, query: str, status: int = 400) -> None:
        for path in ("/volumes", "/volumes/detail"):
            answer = self.volume_call("GET", f"{path}?{query}")
            self.assertEqual(status, answer.status, (query, answer))

    def test_own_ones_newest_first(self) -> None:
        found = self.names()
        self.assertEqual(["v4"], found[:1])
        self.assertEqual({"v0", "v1"}, set(found[3:]))
        self.assertEqual(found, self.names(path="/volumes/detail"))
        brief = self.volume_call("GET", "/volumes").body["volumes"][0]
        self.assertEqual({"id", "name", "links"}, set(brief))

    def test_filters(self) -> None:
        self.row(None, status=Vol.ERROR, bootable=True, availability_zone="z1",
                 image_metadata={"os": "debian"}, volume_type_id=UNKNOWN)
        metadata = quote("{'n': '3'}")
        for query, expected in (
            ("name=v1", ["v1"]),
            ("name=v%", []),
            ("display_name=v1", ["v1"]),
            ("name~=V1", ["v1"]),
            ("name~=%25", []),
            ("status=error", [None]),
            ("status=nonsense", []),
            (f"status={quote(str(['error', 'creating']))}", [None]),
            ("bootable=true", [None]),
            ("bootable=True&status=available", []),
            ("availability_zone=z1", [None]),
            ("availability_zone=z9", []),
            (f"volume_type_id={UNKNOWN}", [None]),
            (f"id={self.ids[2]}", ["v2"]),
            ("id=x", []),
            ("size=3", ["v2"]),
            ("size=x", []),
            ("size=99999999999999999999", []),
            (f"metadata={metadata}", ["v3"]),
            (f"metadata={quote(str({'n': '3', 'Type': 'play'}))}", []),
            (f"glance_metadata={quote(str({'os': 'debian'}))}", [None]),
            (f"id={self.foreign}", []),
            ("all_tenants=1&name=foreign", []),
            (f"project_id={OTHER_PROJECT}&status=error", [None]),
            ("consumes_quota=false", []),
            ("consumes_quota=true&status=error", [None]),
        ):
            for path in ("/volumes", "/volumes/detail"):
                self.assertEqual(expected, self.names(query, path=path), query)
        for query in ("bootable=maybe", "metadata=x", f"metadata={quote('[1]')}",
                      f"metadata={quote(str({'a': 1}))}", "created_at=gt:never",
                      "consumes_quota=x"):
            self.refused(query)

    def test_odd_keys_of_metadata_are_keys(self) -> None:
        for key in ("a'b", "a.b", "$", "[0]"):
            self.row(f"with {key}", metadata={key: "x"})
            found = self.names(f"metadata={quote(str({key: 'x'}))}")
            self.assertEqual([f"with {key}"], found)
        for key in ('a"b', '"', "a\\b", "", "$.n"):
            self.assertEqual([], self.names(f"metadata={quote(str({key: 'x'}))}"))

    def test_what_is_unknown_is_ignored(self) -> None:
        self.assertEqual(5, len(self.names("nonsense=1&host=x")))

    def test_older_versions_have_fewer_filters(self) -> None:
        self.assertEqual(5, len(self.names("name~=v1", version="3.30")))
        self.assertEqual(5, len(self.names("created_at=gt:never", version="3.59")))

    def test_times(self) -> None:
        for query, expected in (
            ("created_at=gt:2026-01-02", {"v4"}),
            ("created_at=gte:2026-01-02T00:00:00", {"v2", "v3", "v4"}),
            ("created_at=gt:2026-01-01,lt:2026-01-03", {"v2", "v3"}),
            ("created_at=2026-01-03", {"v4"}),
            ("created_at=neq:2026-01-03&name=v0", {"v0"}),
            ("created_at=lte:2026-01-01T01:00:00%2B01:00", {"v0", "v1"}),
            ("updated_at=gt:2020-01-01", set()),
        ):
            self.assertEqual(expected, set(self.names(query, version="3.60")), query)

    def test_order(self) -> None:
        for query, expected in (
            ("sort=name", ["v4", "v3", "v2", "v1", "v0"]),
            ("sort=name:asc", ["v0", "v1", "v2", "v3", "v4"]),
            ("sort_key=size&sort_dir=asc", ["v0", "v1", "v2", "v3", "v4"]),
            ("sort=created_at:asc,name:desc", ["v1", "v0", "v3", "v2", "v4"]),
        ):
            self.assertEqual(expected, self.names(query), query)
        ids = [row["id"] for row in self.volume_call(
            "GET", "/volumes?sort_key=id&sort_dir=asc").body["volumes"]]
        self.assertEqual(sorted(self.ids), ids)
        for query in ("sort=nothing", "sort=name:up", "sort_dir=up", "sort_key=x",
                      "sort=name&sort_key=name", "sort_key=host"):
            self.refused(query)

    def test_pages(self) -> None:
        for path in ("/volumes", "/volumes/detail"):
            for order in ("", "&sort=name:asc", "&sort_key=status"):
                seen: list[str] = []
                query = f"limit=2{order}"
                while True:
                    answer = self.volume_call("GET", f"{path}?{query}")
                    seen += [row["name"] for row in answer.body["volumes"]]
                    links = answer.body.get("volumes_links")
                    if not links:
                        break
                    query = urlsplit(links[0]["href"]).query
                self.assertEqual(["v0", "v1", "v2", "v3", "v4"], sorted(seen))
        self.assertEqual([], self.names("limit=0"))
        self.assertEqual(["v1", "v0"], self.names("sort=name&offset=3"))
        self.assertEqual(["v2"], self.names("sort=name&offset=2&limit=1"))
        for query in ("limit=x", "limit=-1", "offset=x", "offset=-1"):
            self.refused(query)
        for marker in (UNKNOWN, "x", self.foreign):
            self.refused(f"marker={marker}", 404)

    def test_count(self) -> None:
        for path in ("/volumes", "/volumes/detail"):
            answer = self.volume_call("GET", f"{path}?limit=2&with_count=true&status=available")
            self.assertEqual((2, 5), (len(answer.body["volumes"]), answer.body["count"]))
        answer = self.volume_call("GET", "/volumes?with_count=true", version="3.44")
        self.assertNotIn("count", answer.body)
        self.refused("with_count=maybe")

    def test_administrators_see_all(self) -> None:
        by = self.operator
        self.assertEqual([], self.names(by=by))
        self.assertEqual(6, len(self.names("all_tenants=1", by=by)))
        self.assertEqual(
            ["foreign"], self.names(f"all_tenants=1&project_id={OTHER_PROJECT}", by=by))
        self.assertEqual([], self.names("all_tenants=1&host=x", by=by))
        shown = self.volume_call("GET", "/volumes/detail?all_tenants=1", by=by).body["volumes"][0]
        self.assertIn("os-vol-host-attr:host", shown)

    def test_summary(self) -> None:
        answer = self.volume_call("GET", "/volumes/summary")
        self.assertEqual(
            {"total_count": 5, "total_size": 15,
             "metadata": {"Type": ["work"], "n": ["0", "1", "2", "3", "4"]}},
            {**answer.body["volume-summary"],
             "metadata": {key: sorted(values) for key, values in
                          answer.body["volume-summary"]["metadata"].items()}},
        )
        answer = self.volume_call("GET", "/volumes/summary", version="3.35")
        self.assertEqual(
            {"volume-summary": {"total_count": 5, "total_size": 15}}, answer.body)
        self.assertEqual(404, self.volume_call("GET", "/volumes/summary", version="3.11").status)
        answer = self.volume_call("GET", "/volumes/summary?all_tenants=True")
        self.assertEqual(15, answer.body["volume-summary"]["total_size"])
        answer = self.volume_call("GET", "/volumes/summary?all_tenants=True", by=self.operator)
        self.assertEqual(115, answer.body["volume-summary"]["total_size"])

    def test_few_statements_however_long(self) -> None:
        for number in range(30):
            self.row(f"more {number}")
        marker = self.ids[0]
        for query in ("", f"limit=20&marker={marker}&sort=name:asc&with_count=1"):
            # services in the background have statements of their own, now and then
            self.assertLessEqual(min(self.statements(query) for _ in range(5)), 4, query)

    def statements(self, query: str) -> int:
        before = engine.get().statements
        self.names(query, path="/volumes/detail")
        return engine.get().statements - before
