"""Requests over a real socket: retries, idempotency keys, logging in again, paging, errors."""

import re
import socket
import tempfile
from pathlib import Path

import testtools
from requests import exceptions as requests_exceptions

from mycloud.client import auth, config, errors
from mycloud.client.connection import Client
from mycloud.client.retry import Repeater, RetryPolicy
from mycloud.client.transport import Transport
from tests.fixtures.fake_cloud import DROP, FakeCloud, Reply

SERVERS = "/compute/v2.1/servers"
DETAIL = "/compute/v2.1/servers/detail"


class Pauses:
    """A sleep that only notes how long it was to be, and a clock that moves by that."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.taken.append(seconds)

    def monotonic(self) -> float:
        return sum(self.taken)


class TransportCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(FakeCloud())
        self.pauses = Pauses()

    def client(self, **overrides: object) -> Client:
        chosen = config.load(
            None,
            {
                "auth_url": self.cloud.auth_url,
                "username": "demo",
                "password": "secret",
                "project_name": "demo",
                "timeout": 10,
            },
            environ={},
        )
        session = auth.make_session(chosen, auth.make_plugin(chosen))
        repeater = Repeater(
            RetryPolicy(), sleep=self.pauses.sleep, monotonic=self.pauses.monotonic
        )
        tokens = overrides.get("tokens")
        return Client(Transport(chosen, session, tokens=tokens, repeater=repeater))


class RetryTest(TransportCase):
    def test_post_repeats_the_same_key_after_503(self) -> None:
        busy = Reply(503, {"error": {"message": "later"}})
        done = Reply(202, {"server": {"id": "a"}}, {"X-Mycloud-Operation-Id": "op"})
        self.cloud.on("POST", SERVERS, busy, busy, done)
        answer = self.client().transport.post("compute", "/servers", {"server": {}})
        self.assertEqual("op", answer.operation_id)
        keys = [seen.headers["idempotency-key"] for seen in self.cloud.seen]
        self.assertEqual(3, len(keys))
        self.assertEqual(1, len(set(keys)))
        self.assertTrue(re.fullmatch(r"[0-9a-f-]{36}", keys[0]))

    def test_two_posts_have_two_keys(self) -> None:
        self.cloud.on("POST", SERVERS, Reply(202, {}))
        client = self.client()
        client.transport.post("compute", "/servers", {})
        client.transport.post("compute", "/servers", {})
        self.assertEqual(2, len({seen.headers["idempotency-key"] for seen in self.cloud.seen}))

    def test_post_is_repeated_with_its_key_when_the_answer_is_lost(self) -> None:
        self.cloud.on("POST", SERVERS, DROP, Reply(202, {"server": {"id": "a"}}))
        self.client().transport.post("compute", "/servers", {})
        self.assertEqual(1, len({seen.headers["idempotency-key"] for seen in self.cloud.seen}))
        self.assertEqual(2, len(self.cloud.seen))

    def test_post_with_a_lost_answer_is_not_repeated_on_another_cloud(self) -> None:
        self.cloud.services.remove("mycloud")
        self.cloud.on("POST", SERVERS, DROP, Reply(202, {}))
        error = self.assertRaises(
            errors.CloudUnreachable, self.client().transport.post, "compute", "/servers", {}
        )
        self.assertIn("isn't known", str(error))
        self.assertEqual(1, len(self.cloud.seen))

    def test_post_without_an_operation_is_not_repeated_when_its_answer_is_lost(self) -> None:
        path = "/identity/v3/users"
        self.cloud.on("POST", path, DROP, Reply(201, {"user": {"id": "u", "name": "n"}}))
        users = self.client().users
        error = self.assertRaises(errors.CloudUnreachable, users.create, {"name": "n"})
        self.assertIn(f"{self.cloud.url}{path} broke before the answer came", str(error))
        self.assertEqual(1, len(self.cloud.asked("POST", path)))

    def test_patience_that_ends_after_lost_answers_says_that_it_may_be_done(self) -> None:
        self.cloud.on("POST", SERVERS, DROP)
        error = self.assertRaises(
            errors.CloudUnreachable, self.client().transport.post, "compute", "/servers", {}
        )
        self.assertIn("isn't known", str(error))
        keys = {seen.headers["idempotency-key"] for seen in self.cloud.seen}
        self.assertEqual((1, True), (len(keys), len(self.cloud.seen) > 5))

    def test_pauses_double_and_end_with_the_patience(self) -> None:
        self.cloud.on("GET", DETAIL, Reply(503, {"error": {"message": "the bus is down"}}))
        error = self.assertRaises(
            errors.Unavailable, self.client().transport.get, "compute", "/servers/detail"
        )
        self.assertEqual("the bus is down", str(error))
        self.assertTrue(20 < sum(self.pauses.taken) <= 30, self.pauses.taken)
        self.assertTrue(self.pauses.taken[1] > self.pauses.taken[0])
        self.assertTrue(max(self.pauses.taken) <= 5)

    def test_retry_after_is_honoured(self) -> None:
        self.cloud.on("GET", DETAIL, Reply(429, headers={"Retry-After": "7"}), Reply(200, {}))
        self.client().transport.get("compute", "/servers/detail")
        self.assertEqual([7.0], self.pauses.taken)

    def test_client_errors_are_not_repeated(self) -> None:
        self.cloud.on("GET", DETAIL, Reply(400, {"badRequest": {"message": "no", "code": 400}}))
        self.assertRaises(
            errors.BadRequest, self.client().transport.get, "compute", "/servers/detail"
        )
        self.assertEqual(1, len(self.cloud.seen))

    def test_lost_answer_of_a_delete_then_404_is_success(self) -> None:
        path = f"{SERVERS}/a"
        self.cloud.on("DELETE", path, DROP, Reply(404, {"itemNotFound": {"message": "gone"}}))
        self.client().transport.delete("compute", "/servers/a")
        self.assertEqual(2, len(self.cloud.seen))

    def test_404_of_a_first_delete_is_an_error(self) -> None:
        self.assertRaises(
            errors.NotFound, self.client().transport.delete, "compute", "/servers/a"
        )

    def test_nothing_listens(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.cloud.auth_url = f"http://127.0.0.1:{port}/identity"
        error = self.assertRaises(
            errors.CloudUnreachable, self.client().transport.get, "compute", "/servers"
        )
        self.assertIn(f"Nothing answers at {self.cloud.auth_url}", str(error))
        self.assertIn("Connection refused", str(error))
        self.assertTrue(sum(self.pauses.taken) <= 3, self.pauses.taken)

    def test_an_address_that_is_none(self) -> None:
        self.cloud.auth_url = "htp://nonsense"
        self.assertRaises(
            errors.CloudUnreachable, self.client().transport.get, "compute", "/servers"
        )
        self.assertEqual([], self.pauses.taken)


class LoginTest(TransportCase):
    def test_one_login_for_many_requests(self) -> None:
        self.cloud.on("GET", DETAIL, Reply(200, {"servers": []}))
        client = self.client()
        for _ in range(3):
            list(client.servers.list())
        self.assertEqual(1, len(self.cloud.logins))

    def test_logs_in_again_after_401(self) -> None:
        refused = Reply(401, {"error": {"message": "expired"}})
        self.cloud.on("GET", DETAIL, refused, Reply(200, {"servers": []}))
        self.assertEqual([], list(self.client().servers.list()))
        self.assertEqual(
            ["token-1", "token-2"], [seen.headers["x-auth-token"] for seen in self.cloud.seen]
        )

    def test_post_keeps_its_key_over_a_new_login(self) -> None:
        self.cloud.on("POST", SERVERS, Reply(401), Reply(202, {}))
        self.client().transport.post("compute", "/servers", {})
        self.assertEqual(1, len({seen.headers["idempotency-key"] for seen in self.cloud.seen}))

    def test_a_second_401_is_final(self) -> None:
        self.cloud.on("GET", DETAIL, Reply(401, {"error": {"message": "go away"}}))
        self.assertRaises(
            errors.Unauthorized, self.client().transport.get, "compute", "/servers/detail"
        )
        self.assertEqual(2, len(self.cloud.seen))

    def test_wrong_password_names_the_user(self) -> None:
        self.cloud.on(
            "POST", "/identity/v3/auth/tokens", Reply(401, {"error": {"message": "Wrong."}})
        )
        error = self.assertRaises(
            errors.Unauthorized, self.client().transport.get, "compute", "/servers"
        )
        self.assertIn("does not let demo in: Wrong.", str(error))

    def test_login_is_repeated_while_the_cloud_is_busy(self) -> None:
        self.cloud.on("POST", "/identity/v3/auth/tokens", Reply(503), self.cloud.token)
        self.assertIn("0123", self.client().project_id)
        self.assertEqual(2, len(self.cloud.logins))

    def test_an_address_that_is_no_cloud(self) -> None:
        for reply in (Reply(200, b"<html>"), Reply(200, {"a": 1}), Reply(404, b"<html>")):
            self.cloud.on("POST", "/identity/v3/auth/tokens", reply)
            self.assertRaises(
                errors.ClientError, self.client().transport.get, "compute", "/servers"
            )

    def test_a_login_without_a_project_says_so(self) -> None:
        reply = self.cloud.token()
        reply.body["token"]["catalog"] = []
        del reply.body["token"]["project"]
        self.cloud.on("POST", "/identity/v3/auth/tokens", reply)
        error = self.assertRaises(
            errors.ConfigError, self.client().transport.get, "compute", "/servers"
        )
        self.assertIn("names no project", str(error))

    def test_missing_service_is_named(self) -> None:
        self.cloud.services.remove("image")
        error = self.assertRaises(
            errors.ConfigError, self.client().transport.get, "image", "/images"
        )
        self.assertIn("no image service", str(error))

    def test_token_survives_in_a_private_file(self) -> None:
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(lambda: [*map(Path.unlink, folder.iterdir()), folder.rmdir()])
        self.cloud.on("GET", DETAIL, Reply(200, {"servers": []}))
        for _ in range(2):
            list(self.client(tokens=auth.TokenCache(folder)).servers.list())
        self.assertEqual(1, len(self.cloud.logins))
        (file,) = folder.iterdir()
        self.assertEqual(0o600, file.stat().st_mode & 0o777)

    def test_a_stale_or_broken_file_only_costs_a_login(self) -> None:
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(lambda: [*map(Path.unlink, folder.iterdir()), folder.rmdir()])
        self.cloud.on("GET", DETAIL, Reply(200, {"servers": []}))
        list(self.client(tokens=auth.TokenCache(folder)).servers.list())
        (file,) = folder.iterdir()
        for damage in ("", "{", "[]", '{"auth_token": "x"}', '{"auth_token": 1, "body": 5}'):
            file.write_text(damage)
            list(self.client(tokens=auth.TokenCache(folder)).servers.list())
        self.assertEqual(6, len(self.cloud.logins))


class ShapeTest(TransportCase):
    def test_compute_asks_for_its_microversion(self) -> None:
        self.cloud.on("GET", DETAIL, Reply(200, {"servers": []}))
        list(self.client().servers.list())
        self.assertEqual("compute 2.60", self.cloud.seen[0].headers["openstack-api-version"])

    def test_versions_are_added_where_the_catalog_has_none(self) -> None:
        self.cloud.on("GET", "/image/v2/images", Reply(200, {"images": []}))
        self.cloud.on("GET", "/identity/v3/users", Reply(200, {"users": []}))
        client = self.client()
        self.assertEqual([], list(client.images.list()))
        self.assertEqual([], list(client.users.list()))

    def test_compute_pages(self) -> None:
        def page(seen):
            first = int(seen.query.get("marker", 0))
            servers = [{"id": str(n), "name": f"s{n}"} for n in range(first + 1, first + 3)]
            body = {"servers": servers}
            if first < 4:
                # the host of the link is not one that can be reached
                href = f"http://inside.invalid/servers/detail?marker={first + 2}&status=ACTIVE"
                body["servers_links"] = [{"rel": "next", "href": href}]
            return Reply(200, body)

        self.cloud.on("GET", DETAIL, page)
        found = [server.id for server in self.client().servers.list(status="ACTIVE")]
        self.assertEqual(["1", "2", "3", "4", "5", "6"], found)
        self.assertEqual(["ACTIVE"] * 3, [seen.query["status"] for seen in self.cloud.seen])

    def test_image_and_identity_pages(self) -> None:
        images = "/image/v2/images"
        one = {"id": "1", "status": "active"}
        two = {"id": "2", "status": "active"}
        self.cloud.on(
            "GET",
            images,
            Reply(200, {"images": [one], "next": "/v2/images?marker=1"}),
            Reply(200, {"images": [two]}),
        )
        self.assertEqual(["1", "2"], [image.id for image in self.client().images.list()])
        self.assertEqual({"marker": "1"}, self.cloud.seen[1].query)
        users = "/identity/v3/users"
        link = {"next": f"{self.cloud.url}{users}?marker=u", "self": "", "previous": None}
        self.cloud.on(
            "GET",
            users,
            Reply(200, {"users": [{"id": "u", "name": "u"}], "links": link}),
            Reply(200, {"users": [{"id": "v", "name": "v"}], "links": {"next": None}}),
        )
        self.assertEqual(["u", "v"], [user.id for user in self.client().users.list()])

    def test_a_page_is_fetched_only_when_needed(self) -> None:
        body = {"servers": [{"id": "1"}, {"id": "2"}]}
        body["servers_links"] = [{"rel": "next", "href": "?marker=2"}]
        self.cloud.on("GET", DETAIL, Reply(200, body))
        next(self.client().servers.list())
        self.assertEqual(1, len(self.cloud.seen))

    def test_a_link_to_the_same_page_ends(self) -> None:
        body = {"servers": [{"id": "1"}], "servers_links": [{"rel": "next", "href": "?marker=1"}]}
        self.cloud.on("GET", DETAIL, Reply(200, body))
        self.assertEqual(2, len(list(self.client().servers.list())))

    def test_an_answer_that_is_not_json(self) -> None:
        self.cloud.on("GET", DETAIL, Reply(200, b"<html>hello</html>"))
        error = self.assertRaises(errors.ClientError, list, self.client().servers.list())
        self.assertIn("not JSON", str(error))
        self.assertNotIsInstance(error, requests_exceptions.RequestException)


class ErrorBodyTest(testtools.TestCase):
    def test_bodies_of_all_services(self) -> None:
        cases = [
            (409, b'{"conflictingRequest": {"code": 409, "message": "busy"}}', errors.Conflict),
            (403, b'{"error": {"code": 403, "title": "F", "message": "busy"}}', errors.Forbidden),
            (404, b'{"message": "busy", "code": "404 Not Found"}', errors.NotFound),
            (404, b'{"errors": [{"detail": "busy", "status": 404}]}', errors.NotFound),
            (413, b"busy", errors.BadRequest),
            (401, b'{"error": {"code": "x", "message": "busy"}}', errors.Unauthorized),
            (500, b'{"computeFault": {"message": "busy"}}', errors.ServerFault),
        ]
        for status, body, kind in cases:
            error = errors.from_answer(status, {}, body)
            self.assertEqual((kind, "busy", status), (type(error), str(error), error.status))

    def test_ids_and_code_are_kept(self) -> None:
        error = errors.from_answer(
            409,
            {
                "X-Openstack-Request-Id": "req-1",
                "X-Mycloud-Operation-Id": "op-1",
                "X-Mycloud-Error-Code": "busy",
            },
            b'{"conflictingRequest": {"code": 409, "message": "m"}}',
        )
        self.assertEqual(
            ("req-1", "op-1", "busy"), (error.request_id, error.operation_id, error.code)
        )

    def test_code_of_a_body_is_no_http_status(self) -> None:
        glance = b'{"code": "404 Not Found", "title": "Not Found", "message": "m"}'
        self.assertEqual("", errors.from_answer(404, {}, glance).code)
        cloud = b'{"error": {"status": 404, "code": "not_found", "message": "m"}}'
        self.assertEqual("not_found", errors.from_answer(404, {}, cloud).code)

    def test_nonsense_still_gives_a_sentence(self) -> None:
        for body in (b"", b"<html>x</html>", b"[1]", b"null", b'{"errors": [null]}', b"\xff\xfe{"):
            self.assertTrue(str(errors.from_answer(502, {}, body)))
