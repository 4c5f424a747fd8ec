"""What is another project's answers as what never existed: on every route, gap by gap."""

import json
import re
from collections.abc import Iterator
from typing import Any

import testtools

from mycloud.api import cloud, compute, identity, image, volume
from mycloud.api import versions as api_versions
from mycloud.api.routing import Raw, Route, of_version
from mycloud.api.versions import Version
from tests.fixtures import seeds
from tests.fixtures.cloud import Cloud
from tests.fixtures.everything import Everything, Persona, filled, gaps

APIS = (
    ("/identity/v3", identity), ("/compute/v2.1", compute),
    ("/image/v2", image), ("/cloud/v1", cloud), ("/volume/v3", volume),
)
#: Microversions by the root of the API that speaks them.
VERSIONS = {
    "/compute/v2.1": ("2.1", "2.36", "2.52", "2.60"),
    "/volume/v3": (str(api_versions.VOLUME.maximum),),
}
#: The gaps whose values belong to somebody; the others are the same for all.
OWNED = {
    "access_rules", "application_credentials", "attachments", "backups", "credentials", "flavors",
    "images", "operations",
    "os-instance-actions", "os-keypairs", "os-quota-sets", "os-server-groups",
    "os-simple-tenant-usage", "os-volume-transfer", "projects", "servers", "snapshots", "users",
    "volume-transfers", "volumes", "why",
}
_VOLUME, _SNAPSHOT = "/volumes/{volume_id}", "/snapshots/{snapshot_id}"
#: (verb, what follows the API's root, action) -> a body that the owner might send.
BODIES: dict[tuple[str, str, str | None], Any] = {
    ("PUT", "/servers/{server_id}", None): {"server": {"name": "two"}},
    ("POST", "/servers/{server_id}/metadata", None): {"metadata": {"a": "b"}},
    ("PUT", "/servers/{server_id}/metadata", None): {"metadata": {"colour": "b"}},
    ("PUT", "/servers/{server_id}/metadata/{key}", None): {"meta": {"colour": "b"}},
    ("PUT", "/servers/{server_id}/tags", None): {"tags": ["blue"]},
    ("POST", "/servers/{server_id}/action", "reboot"): {"reboot": {"type": "SOFT"}},
    ("POST", "/servers/{server_id}/action", "os-getConsoleOutput"): {
        "os-getConsoleOutput": {"length": 1}},
    ("POST", "/servers/{server_id}/action", "createImage"): {"createImage": {"name": "of it"}},
    ("POST", "/images/{image_id}/metadata", None): {"metadata": {"a": "b"}},
    ("PUT", "/images/{image_id}/metadata", None): {"metadata": {"colour": "b"}},
    ("PUT", "/images/{image_id}/metadata/{key}", None): {"meta": {"colour": "b"}},
    ("PATCH", "/images/{id}", None): [{"op": "replace", "path": "/name", "value": "two"}],
    ("POST", "/images/{id}/members", None): {"member": "8" * 32},
    ("PUT", "/images/{id}/members/{member}", None): {"status": "accepted"},
    ("POST", "/users/{user_id}/application_credentials", None): {
        "application_credential": {"name": "another"}},
    ("PATCH", "/credentials/{credential_id}", None): {"credential": {"blob": "other"}},
    ("POST", "/users/{user_id}/password", None): {
        "user": {"original_password": "wrong", "password": "new"}},
    **{
        (verb, f"{path}/metadata{tail}", None): {noun: {"colour": "b"}}
        for path in (_VOLUME, _SNAPSHOT)
        for verb, tail, noun in (
            ("POST", "", "metadata"), ("PUT", "", "metadata"), ("PUT", "/{key}", "meta"))
    },
    ("POST", "/servers/{server_id}/os-volume_attachments", None): {
        "volumeAttachment": {"volumeId": "99999999-2222-4333-8444-555555555555"}},
    ("PUT", _VOLUME, None): {"volume": {"name": "two"}},
    ("PUT", _SNAPSHOT, None): {"snapshot": {"name": "two"}},
    ("PUT", "/backups/{backup_id}", None): {"backup": {"name": "two"}},
    ("POST", "/backups/{backup_id}/restore", None): {"restore": {}},
    ("PUT", "/attachments/{attachment_id}", None): {
        "attachment": {"connector": {"host": "metal"}}},
    **{
        ("POST", f"/{each}/{{transfer_id}}/accept", None): {"accept": {"auth_key": "x"}}
        for each in ("os-volume-transfer", "volume-transfers")
    },
    **{
        ("POST", f"{path}/action", name): {name: inner}
        for path, name, inner in (
            (_VOLUME, "os-extend", {"new_size": 2}),
            (_VOLUME, "os-set_bootable", {"bootable": True}),
            (_VOLUME, "os-update_readonly_flag", {"readonly": False}),
            (_VOLUME, "os-set_image_metadata", {"metadata": {"a": "b"}}),
            (_VOLUME, "os-unset_image_metadata", {"key": "a"}),
            (_VOLUME, "os-attach", {"host_name": "metal", "mountpoint": "/dev/vdx"}),
            (_VOLUME, "os-volume_upload_image", {"image_name": "of it"}),
            (_VOLUME, "os-reimage", {"image_id": seeds.IMAGE_ID}),
            (_VOLUME, "os-retype", {"new_type": "plain"}),
            (_VOLUME, "revert", {"snapshot_id": "99999999-2222-4333-8444-555555555555"}),
            (_SNAPSHOT, "os-update_snapshot_status", {"status": "available"}),
        )
    },
}
#: What the owner may do and is told that it can't now: something else is under way.
_BUSY = ("Invalid volume", "Invalid snapshot", "Invalid backup", "Quota")


def rows() -> Iterator[tuple[str, Route, str]]:
    """Base, row and microversion of every row that names something owned. Those that take away
    come last, and of them the ones of parts first."""
    found = [
        (base, row, version)
        for base, api in APIS
        for row in api.rows()
        if OWNED & set(gaps(row.path))
        for version in VERSIONS.get(base, ("2.1",))
        if row.covers(Version.parse(version))
    ]
    return iter(sorted(
        found, key=lambda one: (one[1].verb == "DELETE", -one[1].path.count("/"), one[1].verb)
    ))


def missing(value: str) -> str:
    """An id that looks like this one, and is nobody's."""
    return value.replace("owner", "nobody") if "owner" in value else re.sub(
        "[0-9a-f]", "d", value)


class _Case(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(Cloud(hosts=0))
        self.things = Everything(self.cloud)

    @staticmethod
    def seen(answer: Any, secret: str) -> tuple[int, list[str], str]:
        """What a stranger can tell of an answer, apart from the id that it asked for."""
        return (
            answer.status_int, sorted(answer.headers), answer.text.replace(secret, "(the id)")
        )


class PathTest(_Case):
    def send(
        self, who: Persona, base: str, row: Route, values: dict[str, str], version: str
    ) -> Any:
        """Ask; the body is what the row wants, or nothing that it looks at."""
        body: Any = None
        headers = {}
        if isinstance(row.body, Raw):
            headers["Content_Type"] = (row.body.media_types or ("text/plain",))[0]
            body = b""
        elif row.body is not None:
            default = {row.action: None} if row.action else {}
            body = BODIES.get((row.verb, row.path, row.action), default)
            schema = of_version(row.body, Version.parse(version))
            self.assertIsNotNone(schema)
        if row.verb == "PATCH" and base == "/image/v2":
            body = json.dumps(body).encode()
            headers["Content_Type"] = "application/openstack-images-v2.1-json-patch"
        return self.cloud.request(
            row.verb, base + filled(row.path, values), body,
            X_Auth_Token=who.token, **headers,
            OpenStack_API_Version=f"{'volume' if base == '/volume/v3' else 'compute'} {version}",
        )

    def test_every_route(self) -> None:
        owner, stranger = self.things.owner, self.things.stranger
        differing, asked = [], 0
        for base, row, version in rows():
            for gap in OWNED & set(gaps(row.path)):
                # the rest of the path is the owner's, or the stranger's own
                for others in (owner.ids, stranger.ids):
                    foreign, never = owner.ids[gap], missing(owner.ids[gap])
                    self.assertNotEqual(foreign, never)
                    answers = [
                        self.seen(self.send(
                            stranger, base, row, {**others, gap: value}, version), value)
                        for value in (foreign, never)
                    ]
                    asked += 1
                    if answers[0] != answers[1]:
                        differing.append((row.verb, base + row.path, row.action, gap, answers))
        self.assertEqual([], differing)
        self.assertGreater(asked, 150)

    def test_the_same_requests_find_what_is_theirs(self) -> None:
        """Else the other test proves nothing."""
        lost, missed = [], []
        for base, row, version in rows():
            if row.path.endswith(("/transfer", "/ips/{label}", "/accept")):
                # one wants a ticket, one a network, one a key
                continue
            if row.action == "revert" or "/os-volume_attachments" in row.path:
                # they name a snapshot, or a volume that the server has not
                continue
            answer = self.send(self.things.owner, base, row, self.things.owner.ids, version)
            line = f"{row.verb} {base}{row.path} {row.action} {version} {answer.text[:200]}"
            if answer.status_int == 400 and not any(word in answer.text for word in _BUSY):
                missed.append(line)
            # a second DELETE, of another microversion, finds nothing any more
            elif answer.status_int == 404 and row.verb != "DELETE":
                lost.append(line)
        self.assertEqual([], missed, "the test's bodies are not what the rows want")
        self.assertEqual([], lost)


class ReferenceTest(_Case):
    """Ids that are not in the path."""

    def differing(
        self, verb: str, path: str, secret: str, body: Any = None,
        version: str = "compute 2.60",
    ) -> list[Any]:
        """What a stranger learns when it names a foreign id and one that never existed."""
        answers = []
        for value in (secret, missing(secret)):
            text = json.dumps(body).replace("SECRET", value) if body is not None else None
            answer = self.cloud.request(
                verb, path.replace("SECRET", value.replace(" ", "+")),
                None if text is None else json.loads(text),
                X_Auth_Token=self.things.stranger.token,
                OpenStack_API_Version=version,
            )
            answers.append(self.seen(answer, value))
        return [] if answers[0] == answers[1] else [(verb, path, answers)]

    def test_what_requests_refer_to(self) -> None:
        ids = self.things.owner.ids
        server = {"name": "mine", "flavorRef": seeds.FLAVOR_ID, "imageRef": seeds.IMAGE_ID,
                  "networks": "none"}
        found = []
        for name, value in (("imageRef", ids["images"]), ("flavorRef", ids["flavors"]),
                            ("key_name", ids["os-keypairs"])):
            body = {"server": {**server, name: "SECRET"}}
            found += self.differing("POST", "/compute/v2.1/servers", value, body)
        hinted = {"server": server, "os:scheduler_hints": {"group": "SECRET"}}
        found += self.differing(
            "POST", "/compute/v2.1/servers", ids["os-server-groups"], hinted)
        for path, gap in (
            ("/compute/v2.1/servers?marker=SECRET", "servers"),
            ("/compute/v2.1/servers?uuid=SECRET", "servers"),
            ("/compute/v2.1/servers?image=SECRET", "images"),
            ("/compute/v2.1/servers?flavor=SECRET", "flavors"),
            ("/compute/v2.1/servers?project_id=SECRET&all_tenants=1", "projects"),
            ("/compute/v2.1/flavors?marker=SECRET", "flavors"),
            ("/compute/v2.1/flavors?is_public=none&marker=SECRET", "flavors"),
            ("/compute/v2.1/os-keypairs?marker=SECRET", "os-keypairs"),
            ("/compute/v2.1/os-keypairs?user_id=SECRET", "users"),
            ("/compute/v2.1/limits?tenant_id=SECRET", "projects"),
            ("/compute/v2.1/os-quota-sets/SECRET?user_id=x", "projects"),
            ("/image/v2/images?marker=SECRET", "images"),
            ("/image/v2/images?id=in:SECRET", "images"),
            ("/image/v2/images?owner=SECRET", "projects"),
            ("/cloud/v1/operations?marker=SECRET", "operations"),
            ("/cloud/v1/operations?resource_id=SECRET", "servers"),
            ("/cloud/v1/operations?project_id=SECRET", "projects"),
            ("/identity/v3/credentials?user_id=SECRET", "users"),
            ("/identity/v3/credentials?marker=SECRET", "credentials"),
            ("/identity/v3/users?name=SECRET", "users"),
        ):
            found += self.differing("GET", path, ids[gap])
        for path, gap in (("/compute/v2.1/images?marker=SECRET", "images"),
                          ("/compute/v2.1/images?server=SECRET", "servers")):
            found += self.differing("GET", path, ids[gap], version="compute 2.1")
        found += self.of_volumes(ids)
        credential = {"credential": {"type": "cert", "blob": "b", "user_id": "SECRET"}}
        found += self.differing("POST", "/identity/v3/credentials", ids["users"], credential)
        scope = {"auth": {
            "identity": {"methods": ["token"], "token": {"id": self.things.stranger.token}},
            "scope": {"project": {"id": "SECRET"}}}}
        found += self.differing("POST", "/identity/v3/auth/tokens", ids["projects"], scope)
        self.assertEqual([], found)

    def of_volumes(self, ids: dict[str, str]) -> list[Any]:
        found = []
        for path, noun, name, gap in (
            ("/volumes", "volume", "snapshot_id", "snapshots"),
            ("/volumes", "volume", "source_volid", "volumes"),
            ("/volumes", "volume", "imageRef", "images"),
            ("/volumes", "volume", "backup_id", "backups"),
            ("/snapshots", "snapshot", "volume_id", "volumes"),
            ("/backups", "backup", "volume_id", "volumes"),
            ("/attachments", "attachment", "volume_uuid", "volumes"),
            ("/volume-transfers", "transfer", "volume_id", "volumes"),
        ):
            body: dict[str, Any] = {noun: {name: "SECRET"}}
            if noun == "volume":
                body[noun]["size"] = 1
            found += self.of_volume("POST", path, ids[gap], body)
        mine = self.things.stranger.ids["volumes"]
        for name, inner, gap in (
            ("revert", {"snapshot_id": "SECRET"}, "snapshots"),
            ("os-reimage", {"image_id": "SECRET"}, "images"),
            ("os-attach", {"instance_uuid": "SECRET", "mountpoint": "/dev/vdx"}, "servers"),
            ("os-detach", {"attachment_id": "SECRET"}, "attachments"),
        ):
            found += self.of_volume(
                "POST", f"/volumes/{mine}/action", ids[gap], {name: inner})
        attachment = {"attachment": {"volume_uuid": mine, "instance_uuid": "SECRET"}}
        found += self.of_volume("POST", "/attachments", ids["servers"], attachment)
        for path, gap in (
            ("/volumes?marker=SECRET", "volumes"),
            ("/volumes/detail?id=SECRET", "volumes"),
            ("/volumes?all_tenants=1&project_id=SECRET", "projects"),
            ("/snapshots?marker=SECRET", "snapshots"),
            ("/snapshots/detail?volume_id=SECRET", "volumes"),
            ("/attachments?marker=SECRET", "attachments"),
            ("/attachments/detail?volume_id=SECRET", "volumes"),
            ("/volume-transfers?marker=SECRET", "volume-transfers"),
            ("/backups?marker=SECRET", "backups"),
            ("/backups/detail?volume_id=SECRET", "volumes"),
        ):
            found += self.of_volume("GET", path, ids[gap])
        return found

    def of_volume(self, verb: str, path: str, secret: str, body: Any = None) -> list[Any]:
        newest = VERSIONS["/volume/v3"][-1]
        return self.differing(verb, f"/volume/v3{path}", secret, body, f"volume {newest}")

    def test_the_owner_finds_it(self) -> None:
        ids = self.things.owner.ids
        answer = self.cloud.request(
            "GET", f"/compute/v2.1/servers?uuid={ids['servers']}",
            X_Auth_Token=self.things.owner.token)
        self.assertEqual([ids["servers"]], [one["id"] for one in answer.json["servers"]])
