"""The other nouns: flavors, images, key pairs, identities, quotas, hosts, services."""

import hashlib
import stat
from pathlib import Path

from tests.fixtures.fake_cloud import PROJECT_ID, Reply
from tests.unit.cli.case import FLAVOR, IMAGE, CliCase

COMPUTE, IDENTITY = "/compute/v2.1", "/identity/v3"
IMAGES = "/image/v2/images"
ID = IMAGE["id"]
ONE_IMAGE = f"{IMAGES}/{ID}"


class FlavorTest(CliCase):
    def setUp(self) -> None:
        super().setUp()
        specs = Reply(200, {"extra_specs": {"hw:x": "1"}})
        self.cloud.on("GET", f"{COMPUTE}/flavors/1/os-extra_specs", specs)

    def test_create(self) -> None:
        self.cloud.on("POST", f"{COMPUTE}/flavors", Reply(200, {"flavor": FLAVOR}))
        self.cloud.on("POST", f"{COMPUTE}/flavors/1/os-extra_specs", Reply(200, {}))
        words = ("--vcpus", "2", "--ram", "512", "--disk", "1", "--property", "hw:x=1")
        result = self.run_cli("flavor", "create", "big", *words, "-f", "json")
        self.assertEqual(0, result.status, result.err)
        self.assertEqual({"hw:x": "1"}, result.document["properties"])
        (post,) = self.cloud.asked("POST", f"{COMPUTE}/flavors")
        expected = {"name": "big", "vcpus": 2, "ram": 512, "disk": 1}
        self.assertEqual(expected | {"os-flavor-access:is_public": True}, post.body["flavor"])

    def test_list_show_and_delete(self) -> None:
        listed = self.run_cli("flavor", "list", "-f", "json").document
        self.assertEqual(["1", "m1.tiny", 256], [listed[0][key] for key in ("ID", "Name", "RAM")])
        shown = self.run_cli("flavor", "show", "m1.tiny", "-f", "json").document
        self.assertEqual(256, shown["ram"])
        self.cloud.on("DELETE", f"{COMPUTE}/flavors/1", Reply(202))
        self.assertEqual(0, self.run_cli("flavor", "delete", "m1.tiny").status)

    def test_access(self) -> None:
        project = Reply(200, {"project": {"id": "p", "name": "n"}})
        self.cloud.on("GET", f"{IDENTITY}/projects/p", project)
        self.cloud.on("POST", f"{COMPUTE}/flavors/1/action", Reply(200, {}))
        self.assertEqual(0, self.run_cli("flavor", "set", "1", "--project", "p").status)
        self.assertEqual(0, self.run_cli("flavor", "unset", "1", "--project", "p").status)
        bodies = [seen.body for seen in self.cloud.asked("POST", f"{COMPUTE}/flavors/1/action")]
        expected = [{"addTenantAccess": {"tenant": "p"}}, {"removeTenantAccess": {"tenant": "p"}}]
        self.assertEqual(expected, bodies)
        result = self.run_cli("flavor", "create", "x", "--project", "p")
        self.assertEqual((2, True), (result.status, "--private" in result.err))


class ImageTest(CliCase):
    def test_create_from_a_file(self) -> None:
        self.cloud.on("POST", IMAGES, Reply(201, IMAGE | {"status": "queued"}))
        self.cloud.on("PUT", f"{ONE_IMAGE}/file", Reply(204))
        path = self.write("disk", b"QFI\xfb" + b"x" * 100)
        words = ("--file", path, "--property", "os=tiny", "--public", "--min-ram", "64")
        result = self.run_cli("image", "create", "n", *words, "-f", "json")
        self.assertEqual((0, "active"), (result.status, result.document["status"]), result.err)
        (post,) = self.cloud.asked("POST", IMAGES)
        expected = {
            "name": "n",
            "disk_format": "qcow2",
            "container_format": "bare",
            "visibility": "public",
            "min_ram": 64,
            "os": "tiny",
        }
        self.assertEqual(expected, post.body)
        self.assertEqual(104, len(self.cloud.asked("PUT", f"{ONE_IMAGE}/file")[0].content))

    def test_a_refused_upload_leaves_no_image(self) -> None:
        self.cloud.on("POST", IMAGES, Reply(201, IMAGE))
        refused = Reply(400, {"message": "it has a backing file"})
        self.cloud.on("PUT", f"{ONE_IMAGE}/file", refused)
        self.cloud.on("DELETE", ONE_IMAGE, Reply(204))
        result = self.run_cli("image", "create", "n", "--file", self.write("disk", "x"))
        self.assertEqual((1, "mycloud: it has a backing file\n"), (result.status, result.err))
        self.assertEqual(1, len(self.cloud.asked("DELETE", ONE_IMAGE)))

    def test_a_missing_file_makes_no_image(self) -> None:
        result = self.run_cli("image", "create", "n", "--file", "/does/not/exist")
        self.assertEqual(2, result.status)
        self.assertIn("--file /does/not/exist: No such file", result.err)
        self.assertEqual([], self.cloud.seen)

    def test_save(self) -> None:
        content = b"12345" * 1000
        checksum = hashlib.sha512(content).hexdigest()
        image = IMAGE | {"size": 5000, "os_hash_algo": "sha512", "os_hash_value": checksum}
        self.cloud.on("GET", ONE_IMAGE, Reply(200, image))
        self.cloud.on("GET", f"{ONE_IMAGE}/file", Reply(200, content))
        target = self.folder / "saved"
        self.assertEqual(0, self.run_cli("image", "save", ID, "--file", str(target)).status)
        self.assertEqual(content, target.read_bytes())
        self.cloud.on("GET", f"{ONE_IMAGE}/file", Reply(200, b"broken"))
        result = self.run_cli("image", "save", ID, "--file", str(target))
        self.assertEqual(1, result.status)
        # what was there before is not lost to a failed download
        self.assertEqual(content, target.read_bytes())
        self.assertFalse((self.folder / "saved.part").exists())

    def test_set_unset_and_members(self) -> None:
        image = IMAGE | {"os": "tiny"}
        self.cloud.on("GET", ONE_IMAGE, Reply(200, image))
        self.cloud.on("PATCH", ONE_IMAGE, Reply(200, image))
        member = {"image_id": IMAGE["id"], "member_id": "p2", "status": "pending"}
        self.cloud.on("POST", f"{ONE_IMAGE}/members", Reply(200, member))
        self.cloud.on("GET", f"{ONE_IMAGE}/members", Reply(200, {"members": [member]}))
        words = ("--name", "new", "--unprotected", "--property", "a=b")
        self.assertEqual(0, self.run_cli("image", "set", ID, *words).status)
        paths = {change["path"] for change in self.cloud.asked("PATCH", ONE_IMAGE)[0].body}
        self.assertEqual({"/name", "/protected", "/a"}, paths)
        self.assertEqual(0, self.run_cli("image", "unset", ID, "--property", "os").status)
        result = self.run_cli("image", "unset", ID, "--property", "zz")
        self.assertEqual((2, True), (result.status, "no property zz" in result.err))
        # who may not look projects up gives an id
        self.assertEqual(0, self.run_cli("image", "member", "add", "tiny", "p2").status)
        listed = self.run_cli("image", "member", "list", "tiny", "-f", "json").document
        self.assertEqual("pending", listed[0]["Status"])


class KeypairTest(CliCase):
    PAIRS = f"{COMPUTE}/os-keypairs"

    def setUp(self) -> None:
        super().setUp()
        self.pair = {"name": "k", "fingerprint": "f", "public_key": "ssh-rsa A"}
        made = self.pair | {"private_key": "-----PRIVATE-----\n"}
        self.cloud.on("POST", self.PAIRS, Reply(201, {"keypair": made}))

    def test_private_key_is_the_owners_alone(self) -> None:
        path = self.folder / "key"
        result = self.run_cli("keypair", "create", "k", "--private-key", str(path))
        self.assertEqual(0, result.status, result.err)
        self.assertEqual("-----PRIVATE-----\n", path.read_text())
        self.assertEqual(0o600, stat.S_IMODE(path.stat().st_mode))
        self.assertNotIn("PRIVATE---", result.out)

    def test_a_key_is_never_overwritten(self) -> None:
        path = self.write("key", "precious")
        result = self.run_cli("keypair", "create", "k", "--private-key", path)
        self.assertEqual((2, True), (result.status, "exists already" in result.err))
        self.assertEqual("precious", Path(path).read_text())
        self.assertEqual([], self.cloud.seen)

    def test_a_refusal_leaves_no_file(self) -> None:
        self.cloud.on("POST", self.PAIRS, Reply(409, {"conflictingRequest": {"message": "m"}}))
        path = self.folder / "key"
        result = self.run_cli("keypair", "create", "k", "--private-key", str(path))
        self.assertEqual((1, False), (result.status, path.exists()))

    def test_import_and_list(self) -> None:
        self.cloud.on("POST", self.PAIRS, Reply(201, {"keypair": self.pair}))
        path = self.write("key.pub", "ssh-rsa A\n")
        self.assertEqual(0, self.run_cli("keypair", "create", "k", "--public-key", path).status)
        body = self.cloud.asked("POST", self.PAIRS)[0].body["keypair"]
        self.assertEqual("ssh-rsa A", body["public_key"])
        self.cloud.on("GET", self.PAIRS, Reply(200, {"keypairs": [{"keypair": self.pair}]}))
        self.assertEqual("k f\n", self.run_cli(
            "keypair", "list", "-f", "value", "-c", "Name", "-c", "Fingerprint"
        ).out)


class IdentityTest(CliCase):
    def setUp(self) -> None:
        super().setUp()
        for plural, singular in (
            ("projects", "project"),
            ("users", "user"),
            ("roles", "role"),
            ("domains", "domain"),
        ):
            thing = {"id": f"{singular}-id", "name": f"a-{singular}", "domain_id": "default"}
            self.cloud.on("GET", f"{IDENTITY}/{plural}", Reply(200, {plural: [thing]}))
            self.cloud.on("POST", f"{IDENTITY}/{plural}", Reply(201, {singular: thing}))
            one = f"{IDENTITY}/{plural}/{singular}-id"
            self.cloud.on("GET", one, Reply(200, {singular: thing}))
            self.cloud.on("PATCH", one, Reply(200, {singular: thing}))
            self.cloud.on("DELETE", one, Reply(204))

    def test_every_noun_can_be_listed_shown_and_deleted(self) -> None:
        for noun in ("project", "user", "role"):
            listed = self.run_cli(noun, "list", "-f", "json")
            self.assertEqual(f"a-{noun}", listed.document[0]["Name"], listed.err)
            shown = self.run_cli(noun, "show", f"a-{noun}", "-f", "json").document
            self.assertEqual(f"{noun}-id", shown["id"])
            self.assertEqual(0, self.run_cli(noun, "delete", f"a-{noun}").status)
            self.assertEqual(1, self.run_cli(noun, "delete", "no").status)

    def test_create(self) -> None:
        words = ("project", "create", "n", "--domain", "a-domain", "--description", "d")
        self.assertEqual(0, self.run_cli(*words).status)
        expected = {"name": "n", "domain_id": "domain-id", "description": "d", "enabled": True}
        body = self.cloud.asked("POST", f"{IDENTITY}/projects")[0].body
        self.assertEqual(expected, body["project"])
        words = ("user", "create", "n", "--password", "p", "--project", "a-project")
        self.assertEqual(0, self.run_cli(*words).status)
        body = self.cloud.asked("POST", f"{IDENTITY}/users")[0].body
        expected = {"name": "n", "password": "p", "default_project_id": "project-id"}
        self.assertEqual(expected, body["user"])

    def test_set(self) -> None:
        result = self.run_cli("user", "set", "a-user", "--disable", "--email", "e@x.test")
        self.assertEqual(0, result.status, result.err)
        body = self.cloud.asked("PATCH", f"{IDENTITY}/users/user-id")[0].body
        self.assertEqual({"user": {"enabled": False, "email": "e@x.test"}}, body)
        self.assertEqual(2, self.run_cli("project", "set", "a-project").status)

    def test_role_add_and_remove(self) -> None:
        for words, where in (
            (("--project", "a-project"), "projects/project-id"),
            (("--domain", "a-domain"), "domains/domain-id"),
            (("--system",), "system"),
        ):
            path = f"{IDENTITY}/{where}/users/user-id/roles/role-id"
            self.cloud.on("PUT", path, Reply(204))
            self.cloud.on("DELETE", path, Reply(204))
            for verb, method in (("add", "PUT"), ("remove", "DELETE")):
                result = self.run_cli("role", verb, "a-role", "--user", "a-user", *words)
                self.assertEqual(0, result.status, result.err)
                self.assertEqual(1, len(self.cloud.asked(method, path)))
        self.assertEqual(2, self.run_cli("role", "add", "a-role", "--user", "a-user").status)

    def test_assignments(self) -> None:
        domain = {"name": "Default", "id": "default"}
        entries = [
            {
                "role": {"id": "r", "name": "member"},
                "user": {"id": "u", "name": "demo", "domain": domain},
                "scope": {"project": {"id": "p", "name": "demo", "domain": domain}},
            },
            {"role": {"id": "r"}, "user": {"id": "u"}, "scope": {"system": {"all": True}}},
        ]
        path = f"{IDENTITY}/role_assignments"
        self.cloud.on("GET", path, Reply(200, {"role_assignments": entries}))
        result = self.run_cli("role", "assignments", "--user", "a-user", "-f", "json")
        self.assertEqual(("member", "demo@Default"), (
            result.document[0]["Role"], result.document[0]["Project"]
        ))
        self.assertEqual("all", result.document[1]["System"])
        query = self.cloud.asked("GET", path)[0].query
        self.assertEqual({"include_names": "True", "user.id": "user-id"}, query)


class AdministrationTest(CliCase):
    def test_quota(self) -> None:
        sets = f"{COMPUTE}/os-quota-sets/{PROJECT_ID}"
        limits = {
            "id": PROJECT_ID,
            "cores": {"limit": 20, "in_use": 3, "reserved": 0},
            "ram": {"limit": -1, "in_use": 0, "reserved": 0},
        }
        self.cloud.on("GET", f"{sets}/detail", Reply(200, {"quota_set": limits}))
        of_volumes = f"/volume/v3/os-quota-sets/{PROJECT_ID}"
        gigabytes = {"limit": 1000, "in_use": 7, "reserved": 0}
        found = Reply(200, {"quota_set": {"id": PROJECT_ID, "gigabytes": gigabytes}})
        self.cloud.on("GET", of_volumes, found)
        rows = self.run_cli("quota", "show", "-f", "json").document
        self.assertEqual({"Resource": "cores", "In Use": 3, "Reserved": 0, "Limit": 20}, rows[0])
        self.assertEqual("unlimited", rows[1]["Limit"])
        self.assertEqual(("gigabytes", 7), (rows[2]["Resource"], rows[2]["In Use"]))
        project = Reply(200, {"project": {"id": PROJECT_ID, "name": "demo"}})
        self.cloud.on("GET", f"{IDENTITY}/projects/{PROJECT_ID}", project)
        self.cloud.on("PUT", sets, Reply(200, {"quota_set": {}}))
        result = self.run_cli("quota", "set", PROJECT_ID, "--cores", "8", "--ram", "-1")
        self.assertEqual(0, result.status, result.err)
        body = self.cloud.asked("PUT", sets)[0].body
        self.assertEqual({"quota_set": {"cores": 8, "ram": -1}}, body)
        self.cloud.on("PUT", of_volumes, Reply(200, {"quota_set": {}}))
        kind = {"id": "t", "name": "fast"}
        self.cloud.on("GET", "/volume/v3/types/t", Reply(200, {"volume_type": kind}))
        words = ("--volumes", "5", "--volume-type", "t", "--force")
        self.assertEqual(0, self.run_cli("quota", "set", PROJECT_ID, *words).status)
        (put,) = self.cloud.asked("PUT", of_volumes)
        self.assertEqual({"quota_set": {"volumes_fast": 5}}, put.body)
        self.assertEqual({"skip_validation": "True"}, put.query)
        self.assertEqual(1, len(self.cloud.asked("PUT", sets)))
        for words in ((), ("--cores", "-2"), ("--cores", "1", "--reset"),
                      ("--cores", "1", "--volume-type", "t"), ("--volume-type", "t")):
            self.assertEqual(2, self.run_cli("quota", "set", PROJECT_ID, *words).status)

    def test_hosts(self) -> None:
        host = {"id": "h", "hypervisor_hostname": "node-1", "state": "up", "vcpus": 4}
        everything = Reply(200, {"hypervisors": [host]})
        self.cloud.on("GET", f"{COMPUTE}/os-hypervisors/detail", everything)
        self.assertEqual("0/4", self.run_cli("host", "list", "-f", "json").document[0]["VCPUs"])
        shown = self.run_cli("host", "show", "node-1", "-f", "json").document
        self.assertEqual(("h", 4), (shown["id"], shown["vcpus"]))

    def test_services(self) -> None:
        common = {"host": "n", "status": "enabled", "state": "up"}
        services = [
            {"id": "s1", "binary": "nova-conductor", **common},
            {"id": "s2", "binary": "nova-compute", **common},
        ]
        path = f"{COMPUTE}/os-services"
        self.cloud.on("GET", path, Reply(200, {"services": services}))
        self.cloud.on("PUT", f"{path}/s2", Reply(200, {"service": services[1]}))
        self.assertEqual(2, len(self.run_cli("service", "list", "-f", "json").document))
        result = self.run_cli("service", "set", "n", "--disable", "--reason", "repair")
        self.assertEqual(0, result.status, result.err)
        body = self.cloud.asked("PUT", f"{path}/s2")[0].body
        self.assertEqual({"status": "disabled", "disabled_reason": "repair"}, body)
        self.assertEqual(2, self.run_cli("service", "set", "n", "--reason", "x").status)
        self.assertEqual(2, self.run_cli("service", "set", "n").status)
