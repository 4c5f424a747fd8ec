"""Metadata and tags of servers."""

from typing import Any

from tests.fixtures.compute_api import ComputeApiCase


class MetadataTest(ComputeApiCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = f"/servers/{self.boot(metadata={'a': '1'})}/metadata"

    def all(self) -> Any:
        return self.call("GET", self.path).body["metadata"]

    def test_all_at_once(self) -> None:
        answer = self.call("POST", self.path, {"metadata": {"b": "2", "a": "0"}})
        self.assertEqual((200, {"metadata": {"a": "0", "b": "2"}}), (answer.status, answer.body))
        answer = self.call("PUT", self.path, {"metadata": {"c": "3"}})
        self.assertEqual((200, {"metadata": {"c": "3"}}), (answer.status, answer.body))
        self.assertEqual({"c": "3"}, self.all())

    def test_one_by_one(self) -> None:
        answer = self.call("PUT", f"{self.path}/a", {"meta": {"a": "9"}})
        self.assertEqual((200, {"meta": {"a": "9"}}), (answer.status, answer.body))
        self.assertEqual({"meta": {"a": "9"}}, self.call("GET", f"{self.path}/a").body)
        self.assertEqual(404, self.call("GET", f"{self.path}/b").status)
        answer = self.call("DELETE", f"{self.path}/a")
        self.assertEqual((204, b""), (answer.status, answer.raw))
        self.assertEqual(404, self.call("DELETE", f"{self.path}/a").status)
        self.assertEqual({}, self.all())

    def test_refuses(self) -> None:
        for method, tail, body in (
            ("POST", "", {"meta": {"a": "b"}}), ("POST", "", {"metadata": {"": "b"}}),
            ("POST", "", {"metadata": {"k" * 256: "b"}}), ("POST", "", {"metadata": None}),
            ("PUT", "", {"metadata": {"a": "b" * 256}}), ("PUT", "", {"metadata": {"a": None}}),
            ("PUT", "/a", {"meta": {"b": "c"}}), ("PUT", "/a", {"meta": {}}),
            ("PUT", "/a", {"meta": {"a": "b", "c": "d"}}), ("PUT", "/a", {"metadata": {}}),
            ("POST", "", {"metadata": {"a\n": "b"}}),
        ):
            answer = self.call(method, self.path + tail, body)
            self.assertEqual(400, answer.status, (method, tail, body, answer))
        self.assertEqual({"a": "1"}, self.all())

    def test_quota(self) -> None:
        most = {str(number): "x" for number in range(127)}
        self.assertEqual(200, self.call("POST", self.path, {"metadata": most}).status)
        answer = self.call("PUT", f"{self.path}/new", {"meta": {"new": "x"}})
        self.assertEqual(403, answer.status, answer)
        self.assertIn("metadata_items", answer.message)
        # what is there already may change
        self.assertEqual(200, self.call("PUT", f"{self.path}/a", {"meta": {"a": "2"}}).status)

    def test_readers_read(self) -> None:
        self.assertEqual(200, self.call("GET", self.path, by=self.reader).status)
        answer = self.call("POST", self.path, {"metadata": {}}, by=self.reader)
        self.assertEqual(403, answer.status)


class TagsTest(ComputeApiCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = f"/servers/{self.boot(tags=('a',))}/tags"

    def test_tags(self) -> None:
        self.assertEqual({"tags": ["a"]}, self.call("GET", self.path).body)
        answer = self.call("PUT", f"{self.path}/b c")
        self.assertEqual((201, b""), (answer.status, answer.raw))
        self.assertTrue(answer.headers["Location"].endswith("/tags/b%20c"))
        answer = self.call("PUT", f"{self.path}/b%20c")
        self.assertEqual((204, b""), (answer.status, answer.raw))
        self.assertEqual(204, self.call("GET", f"{self.path}/a").status)
        self.assertEqual(404, self.call("GET", f"{self.path}/A").status)
        self.assertEqual(204, self.call("DELETE", f"{self.path}/a").status)
        self.assertEqual(404, self.call("DELETE", f"{self.path}/a").status)
        self.assertEqual({"tags": ["b c"]}, self.call("GET", self.path).body)
        answer = self.call("PUT", self.path, {"tags": ["x", "y", "x"]})
        self.assertEqual((200, {"tags": ["x", "y"]}), (answer.status, answer.body))
        answer = self.call("DELETE", self.path)
        self.assertEqual((204, b""), (answer.status, answer.raw))
        self.assertEqual({"tags": []}, self.call("GET", self.path).body)

    def test_not_before_2_26(self) -> None:
        self.assertEqual(404, self.call("GET", self.path, version="2.25").status)
        self.assertEqual(404, self.call("PUT", f"{self.path}/b", version="2.1").status)

    def test_refuses(self) -> None:
        for body in (
            {"tags": ["a,b"]}, {"tags": ["a/b"]}, {"tags": [""]}, {"tags": ["a" * 61]},
            {"tags": [1]}, {"tags": [str(number) for number in range(51)]}, {}, {"tags": None},
        ):
            answer = self.call("PUT", self.path, body)
            self.assertEqual(400, answer.status, (body, answer))
        self.assertEqual(400, self.call("PUT", f"{self.path}/a,b").status)
        self.assertEqual(400, self.call("PUT", f"{self.path}/{'a' * 61}").status)
        fifty = [str(number) for number in range(50)]
        self.assertEqual(200, self.call("PUT", self.path, {"tags": fifty}).status)
        self.assertEqual(400, self.call("PUT", f"{self.path}/more").status)
        self.assertEqual(204, self.call("PUT", f"{self.path}/7").status)
