"""The doctor's checks, one after the other."""

from pathlib import Path

import fixtures
import testtools

from mycloud.client import errors
from mycloud.common import exceptions
from mycloud.local.doctor import examination
from mycloud.local.doctor.patient import Finding, Patient
from mycloud.local.layout import Layout
from mycloud.local.settings import LocalError


class ExaminationTest(testtools.TestCase):
    def look(self, error):
        """The result of a check that ends with the error after its first finding."""
        def check(patient):
            yield Finding("it is cold", "close the window")
            raise error

        self.useFixture(
            fixtures.MonkeyPatch(
                "mycloud.local.doctor.examination.CHECKS", {"weather": (check, False, True)}
            )
        )
        patient = Patient(Layout(Path("/nowhere")), None, answers=True, database=True)
        return examination._look("weather", patient, False, True)

    def test_a_check_that_fails_hides_nothing(self):
        for error in (
            exceptions.BusUnavailable("the broker is away"),
            errors.CloudUnreachable("the broker is away"),
            LocalError("the broker is away"),
        ):
            with self.subTest(type(error).__name__):
                result = self.look(error)
                self.assertEqual("it is cold", result.findings[0].problem)
                self.assertIn("the broker is away", result.skipped)
