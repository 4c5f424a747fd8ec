"""Run one module of tests, and tell of each in a line of JSON that begins with a word.

``python -m tests.guest.report MODULE [PART-OF-A-NAME...]``; what else is printed is for a human.
"""

import json
import sys
import time
import unittest

import tests  # noqa: F401 - chooses the concurrency first

WORD = "RESULT "


class Report(unittest.TestResult):
    """Prints what became of each test as soon as it has ended."""

    def startTest(self, test):
        super().startTest(test)
        self._started = time.monotonic()
        self._told = False

    def stopTest(self, test):
        if not self._told:
            self._tell(test, "passed", "")
        super().stopTest(test)

    def addError(self, test, err):
        super().addError(test, err)
        self._tell(test, "failed", self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._tell(test, "failed", self.failures[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._tell(test, "failed", f"{subtest}: {(self.errors + self.failures)[-1][1]}")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._tell(test, "skipped", reason)

    def _tell(self, test, outcome, text):
        self._told = True
        seconds = round(time.monotonic() - getattr(self, "_started", time.monotonic()), 2)
        row = {"test": test.id(), "outcome": outcome, "seconds": seconds, "text": text}
        print(WORD + json.dumps(row), flush=True)


def main():
    suite = unittest.defaultTestLoader.loadTestsFromName(f"tests.guest.{sys.argv[1]}")
    only = sys.argv[2:]
    if only:
        suite = unittest.TestSuite(
            test for group in suite for test in group
            if any(word in test.id() for word in only)
        )
    result = Report()
    suite.run(result)
    return 0 if result.wasSuccessful() and result.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
