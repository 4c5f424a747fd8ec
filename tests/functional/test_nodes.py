"""Machines join the cloud by a token, and leave it: the API's side."""

import datetime
from pathlib import Path
from typing import Any

import fixtures
from oslo_config import cfg

from mycloud.api.cloud import node_tokens
from mycloud.common import clock, concurrency, node_token, pki, pki_requests, refusals
from mycloud.db import engine, models
from tests.fixtures.compute_api import Answer, ComputeApiCase

BUS = "rabbit://hosts:bus-secret@10.0.0.1:5672/"


class Machine:
    """What wants to join."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.keys = {role: pki.new_key() for role in ("server", "client")}
        self.csrs = {role: pki_requests.make(name, key) for role, key in self.keys.items()}

    def request(self, token: node_token.NodeToken, **changes: Any) -> dict[str, Any]:
        words = {
            "token_id": token.id, "name": self.name, "addresses": ["10.0.0.2"],
            "requests": self.csrs, **changes,
        }
        return {**words, "proof": node_token.proof(token.secret, words)}

    def says(self, token: node_token.NodeToken, action: str, **more: Any) -> dict[str, Any]:
        said = {
            "action": action, "token_id": token.id, "time": clock.now().isoformat(), **more,
        }
        key = pki.key_pem(self.keys["client"])
        signature = pki_requests.signature(key, {**said, "name": self.name})
        return {"said": said, "signature": signature}


class NodesCase(ComputeApiCase):
    def setUp(self) -> None:
        super().setUp()
        for name, value, group in (
            ("transport_url", BUS, None),
            ("public_url", "http://10.0.0.1:8774", "api"),
        ):
            cfg.CONF.set_override(name, value, group=group)
            self.addCleanup(cfg.CONF.clear_override, name, group=group)
        self.useFixture(
            fixtures.MonkeyPatch(
                "mycloud.api.cloud.node_tokens.refusals", refusals.Refusals(lambda: 5)
            )
        )

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        more.setdefault("by", self.operator)
        return self.call(method, path, body, api="/cloud/v1", version=None, **more)

    def token(self, **values: Any) -> node_token.NodeToken:
        answer = self.ask("POST", "/node_tokens", {"node_token": values})
        self.assertEqual(201, answer.status, answer)
        return node_token.NodeToken.parse(answer.body["node_token"]["token"])

    def join(self, request: dict[str, Any]) -> Answer:
        return self.ask("POST", "/node_join", {"node_join": request}, by=self.stranger)

    def opened(self, token: node_token.NodeToken, request: dict[str, Any]) -> dict[str, Any]:
        answer = self.join(request)
        self.assertEqual(200, answer.status, answer)
        words = {name: value for name, value in request.items() if name != "proof"}
        return node_token.unseal(token.secret, words, answer.body["node_join"]["sealed"])

    def pass_time(self, seconds: float) -> None:
        then = clock.now() + datetime.timedelta(seconds=seconds)
        self.useFixture(fixtures.MonkeyPatch("mycloud.common.clock.now", lambda: then))

    def refused(self, answer: Answer, status: int, code: str) -> str:
        self.assertEqual((status, code), (answer.status, answer.body["error"]["code"]), answer)
        return str(answer.body["error"]["message"])


class TokensTest(NodesCase):
    def test_a_token_is_told_once(self) -> None:
        answer = self.ask("POST", "/node_tokens", {"node_token": {"name": "node1"}})
        made = answer.body["node_token"]
        token = node_token.NodeToken.parse(made["token"])
        self.assertEqual(("http://10.0.0.1:8774",), token.urls)
        self.assertEqual(("10.0.0.1:5672",), token.brokers)
        [row] = self.ask("GET", "/node_tokens").body["node_tokens"]
        self.assertEqual(
            (token.id, "node1", "unused", None),
            tuple(row[name] for name in ("id", "name", "status", "used_at")),
        )
        self.assertNotIn("token", row)
        with engine.get().connect(write=False) as conn:
            [kept] = conn.execute(models.node_tokens.select()).mappings()
        self.assertEqual(node_token.digest(token.secret), kept["digest"])
        self.assertNotIn(token.secret.hex(), str(dict(kept)))
        shown = self.ask("GET", f"/node_tokens/{token.id}").body["node_token"]
        self.assertEqual(row, shown)

    def test_withdrawn(self) -> None:
        token = self.token()
        self.assertEqual(204, self.ask("DELETE", f"/node_tokens/{token.id}").status)
        self.refused(self.ask("DELETE", f"/node_tokens/{token.id}"), 404, "node_token_not_found")
        answer = self.join(Machine("node1").request(token))
        self.refused(answer, 403, "node_token_refused")

    def test_only_administrators(self) -> None:
        token = self.token()
        for method, path, body in (
            ("POST", "/node_tokens", {"node_token": {}}),
            ("GET", "/node_tokens", None),
            ("GET", f"/node_tokens/{token.id}", None),
            ("DELETE", f"/node_tokens/{token.id}", None),
            ("GET", "/nodes", None),
            ("DELETE", "/nodes/x", None),
        ):
            answer = self.ask(method, path, body, by=self.member)
            self.assertEqual(403, answer.status, path)

    def test_bad_input(self) -> None:
        for body in (
            {}, {"node_token": {"lifetime": 1}}, {"node_token": {"lifetime": "900"}},
            {"node_token": {"name": ""}}, {"node_token": {"name": "-x"}},
            {"node_token": {"name": "a b"}}, {"node_token": {"name": "x" * 65}},
            {"node_token": {"more": 1}},
        ):
            self.assertEqual(400, self.ask("POST", "/node_tokens", body).status, body)
        answer = self.ask("POST", "/node_tokens", {"node_token": {"name": "host1"}})
        self.refused(answer, 409, "node_name_taken")

    def test_clouds_that_can_not_be_joined(self) -> None:
        for option, group, value, words in (
            ("transport_url", None, "kombu+memory:////", "mycloud up --processes"),
            ("transport_url", None, "rabbit://a:b@127.0.0.1/", "[node]/transport_url"),
            ("public_url", "api", None, "--listen"),
        ):
            before = cfg.CONF[group][option] if group else cfg.CONF[option]
            cfg.CONF.set_override(option, value, group=group)
            answer = self.ask("POST", "/node_tokens", {"node_token": {}})
            self.assertIn(words, self.refused(answer, 409, "nodes_impossible"))
            cfg.CONF.set_override(option, before, group=group)
        self.assertEqual([], self.ask("GET", "/node_tokens").body["node_tokens"])


    def test_an_authority_out_of_reach(self) -> None:
        token = self.token()
        cfg.CONF.set_override("authority_dir", "/dev/null/authority", group="pki")
        self.addCleanup(cfg.CONF.clear_override, "authority_dir", group="pki")
        for answer in (
            self.ask("POST", "/node_tokens", {"node_token": {}}),
            self.join(Machine("node1").request(token)),
        ):
            self.assertIn("[pki]/authority_dir", self.refused(answer, 409, "nodes_impossible"))


class JoinTest(NodesCase):
    def test_what_a_machine_is_told(self) -> None:
        token, machine = self.token(), Machine("node1")
        told = self.opened(token, machine.request(token))
        self.assertEqual(BUS, told["options"]["DEFAULT"]["transport_url"])
        self.assertEqual(token.authority, pki.fingerprint(told["authority"].encode()))
        self.assertEqual({"server", "client"}, set(told["certificates"]))
        everything = str(told)
        for never in ("sqlite", "connection", "PRIVATE", "password", str(self.cloud.state)):
            self.assertNotIn(never, everything)
        [row] = self.ask("GET", "/node_tokens").body["node_tokens"]
        self.assertEqual(("used", "node1"), (row["status"], row["node"]))
        [node] = self.ask("GET", "/nodes").body["nodes"]
        self.assertEqual(("node1", ["10.0.0.2"]), (node["name"], node["addresses"]))

    def test_a_bus_for_hosts(self) -> None:
        cfg.CONF.set_override("transport_url", "rabbit://n:p@10.0.0.9/", group="node")
        self.addCleanup(cfg.CONF.clear_override, "transport_url", group="node")
        token = self.token()
        told = self.opened(token, Machine("node1").request(token))
        self.assertEqual("rabbit://n:p@10.0.0.9/", told["options"]["DEFAULT"]["transport_url"])

    def test_once_only(self) -> None:
        token, machine = self.token(), Machine("node1")
        request = machine.request(token)
        first = self.opened(token, request)
        # its answer was lost: the same again
        self.assertEqual(first, self.opened(token, request))
        for other in (Machine("node1"), Machine("node2")):
            answer = self.join(other.request(token))
            self.assertIn("node1", self.refused(answer, 409, "node_token_used"))
        changed = self.join(machine.request(token, addresses=["10.0.0.3"]))
        self.refused(changed, 409, "node_token_used")
        self.pass_time(901)
        self.refused(self.join(request), 403, "node_token_expired")

    def test_one_of_two_at_a_time(self) -> None:
        token = self.token()
        requests = [Machine(name).request(token) for name in ("node1", "node2")]
        tasks = [concurrency.spawn(self.join, request) for request in requests]
        answers = [task.wait(30) for task in tasks]
        self.assertEqual([200, 409], sorted(answer.status for answer in answers))

    def test_the_same_twice_at_a_time(self) -> None:
        token = self.token()
        request = Machine("node1").request(token)
        tasks = [concurrency.spawn(self.join, request) for _ in range(4)]
        words = {name: value for name, value in request.items() if name != "proof"}
        told = [
            node_token.unseal(token.secret, words, task.wait(30).body["node_join"]["sealed"])
            for task in tasks
        ]
        self.assertEqual([told[0]] * 4, told)

    def test_expired(self) -> None:
        token = self.token(lifetime=60)
        self.pass_time(61)
        message = self.refused(
            self.join(Machine("node1").request(token)), 403, "node_token_expired"
        )
        self.assertIn("mycloud node token create", message)
        [row] = self.ask("GET", "/node_tokens").body["node_tokens"]
        self.assertEqual("expired", row["status"])

    def test_wrong_requests_use_nothing_up(self) -> None:
        token, machine = self.token(name="node1"), Machine("node1")
        other = Machine("node2")
        for request, field in (
            (other.request(token), "name"),
            (machine.request(token, requests=other.csrs), "requests.server"),
            (machine.request(token, requests={**machine.csrs, "client": "x"}), "requests.client"),
            (
                machine.request(
                    token, requests=dict.fromkeys(("server", "client"), machine.csrs["server"])
                ),
                "requests",
            ),
            (machine.request(token, addresses=["10.0.0"]), "addresses"),
            (machine.request(token, addresses=["0.0.0.0"]), "addresses"),
            (machine.request(token, addresses=[]), "addresses"),
            (machine.request(token, more="x"), "more"),
        ):
            self.assertIn(field, self.refused(self.join(request), 400, "bad_field"))
        self.opened(token, machine.request(token))

    def test_names_that_are_taken(self) -> None:
        token = self.token()
        answer = self.join(Machine("host1").request(token))
        self.refused(answer, 409, "node_name_taken")
        machine = Machine("node1")
        self.opened(token, machine.request(token))
        second = self.token()
        self.refused(self.join(Machine("node1").request(second)), 409, "node_name_taken")
        # the machine itself may come again
        self.opened(second, machine.request(second))

    def test_forgeries_are_refused_alike_and_slowed_down(self) -> None:
        token, machine = self.token(), Machine("node1")
        good = machine.request(token)
        stranger = node_token.NodeToken(clock.new_id(), token.secret, token.urls, "a")
        messages = {
            self.refused(self.join(request), 403, "node_token_refused")
            for request in (
                {**good, "proof": "0" * 64},
                {**good, "name": "node2"},
                machine.request(stranger),
            )
        }
        self.assertEqual(1, len(messages))
        for _ in range(2):
            self.join({**good, "proof": "0" * 64})
        answer = self.join(good)
        self.refused(answer, 429, "too_many_refusals")
        node_tokens.refusals = refusals.Refusals(lambda: 5)
        self.opened(token, good)

    def test_the_cloud_has_another_key(self) -> None:
        token = self.token()
        Path(self.cloud.state, "authority", "node-token.key").write_bytes(b"x" * 32)
        answer = self.join(Machine("node1").request(token))
        self.refused(answer, 403, "node_token_refused")


class MembersTest(NodesCase):
    def setUp(self) -> None:
        super().setUp()
        self.joined, self.machine = self.token(), Machine("node1")
        self.opened(self.joined, self.machine.request(self.joined))

    def status(self, body: dict[str, Any], name: str = "node1") -> Answer:
        return self.ask("POST", f"/nodes/{name}/status", body, by=self.stranger)

    def leave(self, *, force: bool = False) -> Answer:
        body = self.machine.says(self.joined, "leave", force=force)
        return self.ask("POST", "/nodes/node1/leave", body, by=self.stranger)

    def test_status(self) -> None:
        found = self.status(self.machine.says(self.joined, "status")).body["node"]
        self.assertEqual((None, False, False), tuple(
            found[name] for name in ("service", "listed", "left")
        ))
        self.cloud.start_compute("node1")

        def listed() -> Any:
            now = self.status(self.machine.says(self.joined, "status")).body["node"]
            return now if now["listed"] else None

        found = self.cloud.wait(listed, what="it is listed")
        self.assertEqual((True, False), (found["service"]["up"], found["service"]["disabled"]))

    def test_strangers(self) -> None:
        good = self.machine.says(self.joined, "status")
        for body, name in (
            ({**good, "signature": "AAAA"}, "node1"),
            (good, "node2"),
            (good, "host1"),
            (Machine("node1").says(self.joined, "status"), "node1"),
        ):
            self.refused(self.status(body, name), 403, "node_unknown")

    def test_old_words(self) -> None:
        said = self.machine.says(self.joined, "status")
        self.pass_time(301)
        self.assertIn("clocks", self.refused(self.status(said), 400, "bad_field"))

    def test_leave_and_come_back(self) -> None:
        self.cloud.start_compute("node1")
        self.cloud.wait(
            lambda: self.status(self.machine.says(self.joined, "status")).body["node"]["listed"],
            what="it is listed",
        )
        self.assertEqual(204, self.leave().status)
        found = self.status(self.machine.says(self.joined, "status")).body["node"]
        self.assertTrue(found["left"] and found["service"]["disabled"])
        token, other = self.token(name="node1"), Machine("node1")
        self.opened(token, other.request(token))
        found = self.status(other.says(token, "status")).body["node"]
        self.assertFalse(found["left"] or found["service"]["disabled"])
        # the words of the machine that had the name are worth nothing now
        self.refused(self.leave(), 403, "node_unknown")

    def test_servers_keep_it(self) -> None:
        self.cloud.start_compute("node1")
        self.cloud.wait(
            lambda: self.status(self.machine.says(self.joined, "status")).body["node"]["listed"],
            what="it is listed",
        )
        server = self.boot()
        with engine.get().connect(write=True) as conn:
            conn.execute(models.servers.update().values(host="node1"))
        self.assertIn("1 servers", self.refused(self.leave(), 409, "node_in_use"))
        self.assertEqual(204, self.leave(force=True).status)
        self.assertTrue(server)

    def test_forget(self) -> None:
        self.cloud.start_compute("node1")
        self.assertEqual(409, self.ask("DELETE", "/nodes/node1").status)
        self.cloud.services.pop("node1").stop()
        self.cloud.wait(
            lambda: self.ask("DELETE", "/nodes/node1").status == 204, what="it is forgotten"
        )
        self.refused(self.ask("DELETE", "/nodes/node1"), 404, "node_not_found")
        token = self.token(name="node1")
        self.opened(token, Machine("node1").request(token))
