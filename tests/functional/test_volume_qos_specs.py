"""QoS specs: what they may say, and the volume types that they hold for."""

from mycloud.volume import qos
from tests.functional import test_volume_types

UNKNOWN = test_volume_types.UNKNOWN


class QosSpecsTest(test_volume_types.Case):
    def specs(self, name="gold", **values):
        body = {"qos_specs": {"name": name, **values}}
        return self.ask("POST", "/qos-specs", body)["qos_specs"]

    def refused(self, **values):
        body = {"qos_specs": {"name": "x", "consumer": "front-end", **values}}
        return self.ask("POST", "/qos-specs", body, status=400)["badRequest"]["message"]

    def types(self, specs_id):
        found = self.ask("GET", f"/qos-specs/{specs_id}/associations")["qos_associations"]
        return [(each["association_type"], each["name"]) for each in found]

    def test_life(self):
        answer = self.ask(
            "POST", "/qos-specs", {"qos_specs": {"name": "gold", "read_iops_sec": "2000"}}
        )
        made = answer["qos_specs"]
        self.assertEqual(
            {"id": made["id"], "name": "gold", "consumer": "back-end",
             "specs": {"read_iops_sec": "2000"}},
            made,
        )  # fmt: skip
        path = f"/qos-specs/{made['id']}"
        self.assertIn(path, answer["links"][0]["href"])
        self.assertEqual(made, self.ask("GET", path)["qos_specs"])
        changes = {"iops_bytes": "500", "consumer": "both"}
        self.assertEqual(
            {"qos_specs": changes}, self.ask("PUT", path, {"qos_specs": changes})
        )
        shown = self.ask("GET", path)["qos_specs"]
        self.assertEqual("both", shown["consumer"])
        self.assertEqual({"read_iops_sec": "2000", "iops_bytes": "500"}, shown["specs"])
        self.ask("PUT", f"{path}/delete_keys", {"keys": ["iops_bytes"]}, status=202)
        self.ask("PUT", f"{path}/delete_keys", {"keys": ["iops_bytes"]}, status=400)
        self.assertEqual({"read_iops_sec": "2000"}, self.ask("GET", path)["qos_specs"]["specs"])
        self.ask("DELETE", f"{path}?force=False", status=202)
        for method, url, body in (
            ("GET", path, None),
            ("DELETE", path, None),
            ("PUT", path, {"qos_specs": changes}),
            ("PUT", f"{path}/delete_keys", {"keys": ["a"]}),
            ("GET", f"{path}/associations", None),
            ("GET", f"{path}/associate?vol_type_id={UNKNOWN}", None),
            ("GET", f"{path}/disassociate?vol_type_id={UNKNOWN}", None),
            ("GET", f"{path}/disassociate_all", None),
        ):
            self.ask(method, url, body, status=404)

    def test_only_administrators(self):
        path = f"/qos-specs/{self.specs()['id']}"
        for method, url, body in (
            ("GET", "/qos-specs", None),
            ("POST", "/qos-specs", {"qos_specs": {"name": "x"}}),
            ("GET", path, None),
            ("PUT", path, {"qos_specs": {"a": "b"}}),
            ("PUT", f"{path}/delete_keys", {"keys": ["a"]}),
            ("DELETE", path, None),
            ("GET", f"{path}/associations", None),
            ("GET", f"{path}/associate?vol_type_id={UNKNOWN}", None),
            ("GET", f"{path}/disassociate_all", None),
        ):
            self.ask(method, url, body, by=self.member, status=403)

    def test_list(self):
        for name in ("a", "b", "c"):
            self.specs(name)
        page = self.ask("GET", "/qos-specs?sort=name:asc&limit=2")
        self.assertEqual(["a", "b"], [each["name"] for each in page["qos_specs"]])
        link = page["qos_specs_links"][0]["href"].partition("/v3")[2]
        rest = self.ask("GET", link)["qos_specs"]
        self.assertEqual(["c"], [each["name"] for each in rest])
        self.ask("GET", f"/qos-specs?marker={UNKNOWN}", status=400)
        self.ask("GET", "/qos-specs?sort=unknown", status=400)

    def test_bad_input(self):
        self.specs()
        self.ask("POST", "/qos-specs", {"qos_specs": {"name": "gold"}}, status=409)
        for values, field in (
            ({"name": ""}, "name"),
            ({"name": 1}, "name"),
            ({"consumer": "me"}, "consumer"),
            ({"a": 1}, "a"),
            ({"a/b": "c"}, "a/b"),
            ({"read_iops_sec": "many"}, "read_iops_sec"),
            ({"read_iops_sec": "-1"}, "read_iops_sec"),
            ({"read_iops_sec": "9" * 20}, "read_iops_sec"),
            ({"total_iops_sec": "1", "write_iops_sec": "1"}, "total_iops_sec"),
            ({"total_iops_sec_per_gb": "1", "write_iops_sec": "1"}, "total_iops_sec"),
            ({"read_bytes_sec_max": "1"}, "read_bytes_sec_max"),
            ({"read_bytes_sec_per_gb_min": "1"}, "read_bytes_sec_per_gb_min"),
        ):
            self.assertIn(field, self.refused(**values))
        self.specs("backend", consumer="back-end", read_iops_sec="many")
        for body in (None, {}, {"qos_specs": {}}, {"qos_specs": {"consumer": "both"}}):
            self.ask("POST", "/qos-specs", body, status=400)
        path = f"/qos-specs/{self.specs('x', read_iops_sec='2', read_iops_sec_max='3')['id']}"
        for body in ({}, {"keys": []}, {"keys": "a"}, {"keys": [1]}, None):
            self.ask("PUT", f"{path}/delete_keys", body, status=400)
        self.ask("PUT", path, {"qos_specs": {}}, status=400)
        self.ask("PUT", path, {"qos_specs": {"a": None}}, status=400)
        self.ask("PUT", path, {"qos_specs": {"consumer": "both"}})
        self.ask("PUT", f"{path}/delete_keys", {"keys": ["read_iops_sec"]}, status=400)
        self.ask("DELETE", f"{path}?force=maybe", status=400)

    def test_associations(self):
        specs, others = self.specs(), self.specs("silver")
        path = f"/qos-specs/{specs['id']}"
        ids = [self.create(name)["id"] for name in ("a", "b", "c")]
        for type_id in ids:
            self.ask("GET", f"{path}/associate?vol_type_id={type_id}", status=202)
        self.ask("GET", f"{path}/associate?vol_type_id={ids[0]}", status=202)
        shown = self.ask("GET", f"/types/{ids[0]}")["volume_type"]
        self.assertEqual(specs["id"], shown["qos_specs_id"])
        self.assertEqual([("volume_type", name) for name in "abc"], self.types(specs["id"]))
        other = f"/qos-specs/{others['id']}"
        self.ask("GET", f"{other}/associate?vol_type_id={ids[0]}", status=400)
        self.ask("GET", f"{other}/disassociate?vol_type_id={ids[0]}", status=202)
        self.ask("GET", f"{path}/associate?vol_type_id={UNKNOWN}", status=404)
        self.ask("GET", f"{path}/associate", status=400)
        self.ask("DELETE", path, status=400)
        self.ask("GET", f"{path}/disassociate?vol_type_id={ids[0]}", status=202)
        self.assertEqual([("volume_type", name) for name in "bc"], self.types(specs["id"]))
        self.ask("GET", f"{path}/disassociate_all", status=202)
        self.assertEqual([], self.types(specs["id"]))
        self.ask("GET", f"{path}/associate?vol_type_id={ids[0]}", status=202)
        self.ask("DELETE", f"{path}?force=True", status=202)
        self.assertIsNone(self.ask("GET", f"/types/{ids[0]}")["volume_type"]["qos_specs_id"])

    def bounds(self, size_gb=10, **values):
        made = self.specs(**values)
        self.ask("DELETE", f"/qos-specs/{made['id']}", status=202)
        return qos.iotune(made["consumer"], made["specs"], size_gb)

    def test_what_a_host_keeps(self):
        front = {"consumer": "front-end"}
        self.assertEqual(
            {"read_iops_sec": 5, "total_bytes_sec": 7, "read_iops_sec_max": 9},
            self.bounds(
                consumer="both", read_iops_sec="5", total_bytes_sec="7", read_iops_sec_max="9",
                unknown="x",
            ),
        )  # fmt: skip
        self.assertIsNone(self.bounds(consumer="back-end", read_iops_sec="5"))
        self.assertIsNone(self.bounds(**front))
        each = {"total_iops_sec_per_gb": "30", "total_iops_sec_per_gb_min": "100"}
        self.assertEqual({"total_iops_sec": 300}, self.bounds(**front, **each))
        self.assertEqual({"total_iops_sec": 100}, self.bounds(2, **front, **each))
        capped = {**each, "total_iops_sec_max": "250"}
        self.assertEqual({"total_iops_sec": 250}, self.bounds(**front, **capped))
