"""Log levels of services, read and set over the bus while they run."""

import logging

from tests.fixtures.compute_api import ComputeApiCase

VERSION = "volume 3.32"


class LogLevelsTest(ComputeApiCase):
    hosts = 0

    def setUp(self):
        super().setUp()
        self.logger = logging.getLogger("mycloud.test.levels")
        self.addCleanup(self.logger.setLevel, logging.NOTSET)
        parent = logging.getLogger("mycloud")
        for name, other in list(logging.root.manager.loggerDict.items()):
            if name.startswith("mycloud") and isinstance(other, logging.Logger):
                self.addCleanup(other.setLevel, other.level)
        parent.setLevel(logging.INFO)

    def ask(self, name, status, by=None, version=VERSION, **body):
        answer = self.call(
            "PUT", f"/os-services/{name}", body, api="/volume/v3", version=None,
            by=by or self.operator, OpenStack_API_Version=version,
        )  # fmt: skip
        self.assertEqual(status, answer.status, answer)
        return answer.body

    def levels(self, **body):
        found = self.ask("get-log", 200, **body)["log_levels"]
        return {each["binary"]: each["levels"] for each in found}

    def test_get_and_set(self):
        name = self.logger.name
        self.ask("set-log", 202, level="debug", prefix=name)
        found = self.levels(prefix=name)
        every = {"cinder-api", "cinder-scheduler", "cinder-volume"}
        self.assertEqual({binary: {name: "DEBUG"} for binary in every}, found)
        self.ask("set-log", 202, level="ERROR", binary="cinder-scheduler", prefix=name)
        self.assertEqual(
            {"cinder-scheduler": {name: "ERROR"}},
            self.levels(binary="cinder-scheduler", server="test", prefix=name),
        )
        self.assertEqual({}, self.levels(server="nowhere"))
        self.assertEqual(logging.ERROR, self.logger.level)
        found = self.levels(binary="*", server="", prefix=None)
        self.assertEqual(every, set(found))
        self.assertIn("mycloud.common.rpc", found["cinder-scheduler"])

    def test_loggers_that_come_later(self):
        self.ask("set-log", 202, level="WARNING", prefix="mycloud.test.later.")
        late = logging.getLogger("mycloud.test.later.one")
        self.addCleanup(logging.getLogger("mycloud.test.later").setLevel, logging.NOTSET)
        self.assertEqual(logging.WARNING, late.getEffectiveLevel())

    def test_refused(self):
        for body in (
            {}, {"level": "LOUD"}, {"level": 1}, {"level": "INFO", "binary": "nova-compute"},
            {"level": "INFO", "prefix": "sqlalchemy"}, {"level": "INFO", "more": 1},
        ):  # fmt: skip
            self.ask("set-log", 400, **body)
        self.ask("set-log", 403, by=self.member, level="INFO")
        self.ask("get-log", 403, by=self.member)
        self.ask("get-log", 404, version="volume 3.31")
