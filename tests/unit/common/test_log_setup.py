"""Log lines: the ids of request and operation on each, and no secrets."""

import io
import logging
import unittest

import testtools
from oslo_config import cfg
from oslo_context import context as oslo_context
from oslo_log import formatters

from mycloud.common import context, log_setup


class LogLinesTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        options = cfg.ConfigOpts()
        log_setup.register(options)
        options([], default_config_files=[])
        self.stream = io.StringIO()
        handler = logging.StreamHandler(self.stream)
        handler.setFormatter(log_setup.Masking(formatters.ContextFormatter(config=options)))
        self.log = logging.getLogger("mycloud.tests.lines")
        self.log.propagate = False
        self.log.setLevel(logging.INFO)
        self.log.addHandler(handler)
        self.addCleanup(self.log.removeHandler, handler)
        self.addCleanup(context.RequestContext().update_store)

    def test_the_ids_are_on_every_line(self) -> None:
        context.RequestContext(request_id="req-1", operation_id="op-1").update_store()
        self.log.info("first")
        self.log.warning("second")
        for line in self.stream.getvalue().splitlines():
            self.assertIn("req-1 op-1", line)

    def test_a_line_of_no_operation(self) -> None:
        context.RequestContext(request_id="req-2").update_store()
        self.log.info("asked")
        self.assertIn("[req-2 - ", self.stream.getvalue())

    def test_contexts_of_other_libraries(self) -> None:
        oslo_context.RequestContext(request_id="req-3", overwrite=True).update_store()
        self.log.info("foreign")
        self.assertIn("[req-3 - ", self.stream.getvalue())
        self.assertIn("foreign", self.stream.getvalue())

    def test_secrets_are_masked(self) -> None:
        token = "gAAAAABrAW7YZzIQMWQhe1vfae04eOyolYhz8ra0gGuSlqKvkh62duCU"
        for text in (
            "connecting to rabbit://mycloud:s3cr3t@host:5672/",
            "postgresql://mycloud:s3cr3t@host/mycloud",
            '{"auth": {"password": "s3cr3t"}}',
            "{'adminPass': 's3cr3t'}",
            "headers: {'X-Auth-Token': 's3cr3t', 'Accept': 'json'}",
            "X-Subject-Token: s3cr3t",
            f"the token {token} is s3cr3t".replace(" is s3cr3t", ""),
        ):
            self.stream.truncate(0)
            self.log.info("%s", text)
            self.assertNotIn("s3cr3t", self.stream.getvalue())
            self.assertNotIn(token, self.stream.getvalue())
            self.assertIn("***", self.stream.getvalue())

    def test_tracebacks_are_masked(self) -> None:
        try:
            raise ValueError("cannot reach amqp://user:s3cr3t@host")
        except ValueError:
            self.log.exception("failed")
        self.assertIn("cannot reach", self.stream.getvalue())
        self.assertNotIn("s3cr3t", self.stream.getvalue())

    def test_what_is_no_secret_stays(self) -> None:
        text = "GET http://127.0.0.1:8774/compute/v2.1/servers?name=a@b took 5 ms"
        self.assertEqual(text, log_setup.mask(text))


if __name__ == "__main__":
    unittest.main()
