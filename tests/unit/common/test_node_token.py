"""The token that lets a machine join: its text, and what it protects."""

import unittest

import testtools

from mycloud.common import exceptions, node_token

KEY = b"k" * 32
REQUEST = {"token_id": "1", "name": "node1"}


class NodeTokenTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.token = node_token.NodeToken(
            "an-id", node_token.secret_of(KEY, "an-id"), ("http://10.0.0.1:8774",), "a" * 64,
            brokers=("10.0.0.1:5672",),
        )

    def test_text_and_back(self) -> None:
        text = self.token.text()
        self.assertEqual([text], text.split())
        self.assertEqual(self.token, node_token.NodeToken.parse(f" {text}\n"))

    def test_a_secret_is_shown_nowhere_else(self) -> None:
        self.assertNotIn("secret", repr(self.token))

    def test_damage_is_seen(self) -> None:
        text = self.token.text()
        spoilt = [text[:-1], text[:40], text + "A", text[1:], "", "x" * 10000, "mycloud-node-1-%"]
        spoilt += [
            text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1:]
            for at in range(0, len(text) - 1, 7)
        ]
        for each in spoilt:
            self.assertRaises(
                exceptions.NodeTokenDamaged, node_token.NodeToken.parse, each
            )

    def test_secrets_differ(self) -> None:
        made = {node_token.secret_of(key, name) for key in (KEY, b"o" * 32) for name in "ab"}
        self.assertEqual(4, len(made))

    def test_proof(self) -> None:
        secret = self.token.secret
        proof = node_token.proof(secret, REQUEST)
        self.assertTrue(node_token.proves(secret, REQUEST, proof))
        self.assertFalse(node_token.proves(secret, {**REQUEST, "name": "node2"}, proof))
        self.assertFalse(node_token.proves(b"x" * 32, REQUEST, proof))
        self.assertFalse(node_token.proves(secret, REQUEST, "é"))

    def test_answer(self) -> None:
        secret = self.token.secret
        sealed = node_token.seal(secret, REQUEST, {"options": "secret words"})
        self.assertNotIn("secret", sealed)
        self.assertEqual(
            {"options": "secret words"}, node_token.unseal(secret, REQUEST, sealed)
        )
        for key, request, text in (
            (b"x" * 32, REQUEST, sealed),
            (secret, {**REQUEST, "name": "node2"}, sealed),
            (secret, REQUEST, "A" + sealed[1:] if sealed[0] != "A" else "B" + sealed[1:]),
            (secret, REQUEST, ""),
            (secret, REQUEST, "%"),
        ):
            self.assertRaises(
                exceptions.NodeAnswerForged, node_token.unseal, key, request, text
            )


if __name__ == "__main__":
    unittest.main()
