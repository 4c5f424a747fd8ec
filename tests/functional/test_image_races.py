"""Many callers at once: one upload wins, no quota is passed, no change is lost."""

import collections

import testtools

from mycloud.common import concurrency
from tests.fixtures import postgresql
from tests.fixtures.image_service import ImageService, OnPostgreSQL

MANY = 8


class RaceTest(testtools.TestCase):
    def database(self):
        return None

    def setUp(self):
        super().setUp()
        self.service = self.useFixture(ImageService(database=self.database()))
        self.red = self.service.as_("red")

    def at_once(self, ask):
        """The statuses that so many callers get, each of whom ``ask`` is called for."""
        gate = concurrency.Event()

        def wait_and_ask(number):
            gate.wait(20)
            return ask(number).status_int

        tasks = [concurrency.spawn(wait_and_ask, number) for number in range(MANY)]
        gate.set()
        return collections.Counter(task.wait(60) for task in tasks)

    def test_one_upload_wins(self):
        image_id = self.red.create()["id"]
        statuses = self.at_once(lambda number: self.red.upload(image_id, b"%d" % number * 9999))
        self.assertEqual({204: 1, 409: MANY - 1}, statuses)
        data = self.red.ask("GET", f"/images/{image_id}/file").body
        self.assertEqual(1, len(set(data)))
        self.assertEqual(9999, len(data))
        self.assertEqual(1, len(self.service.files()))

    def test_no_more_images_than_the_quota(self):
        self.service.set("quota_images", 3)
        statuses = self.at_once(lambda number: self.red.ask("POST", "/images", {}))
        self.assertEqual({201: 3, 413: MANY - 3}, statuses)
        self.assertEqual(3, len(self.red.names()))

    def test_no_change_is_lost(self):
        image_id = self.red.create()["id"]
        statuses = self.at_once(lambda number: self.red.patch(
            image_id, {"op": "add", "path": f"/p{number}", "value": "x"},
            {"op": "add", "path": "/same", "value": str(number)},
        ))
        self.assertEqual({200: MANY}, statuses)
        shown = self.red.show(image_id)
        self.assertEqual(MANY, sum(f"p{number}" in shown for number in range(MANY)))

    def test_one_id_one_member_one_deletion(self):
        image_id = self.red.create()["id"]
        statuses = self.at_once(lambda number: self.red.ask(
            "POST", f"/images/{image_id}/members", {"member": "blue"}
        ))
        self.assertEqual({200: 1, 409: MANY - 1}, statuses)
        again = {"id": image_id.replace("-4", "-5", 1)}
        statuses = self.at_once(lambda number: self.red.ask("POST", "/images", again))
        self.assertEqual({201: 1, 409: MANY - 1}, statuses)
        statuses = self.at_once(lambda number: self.red.ask("DELETE", f"/images/{image_id}"))
        self.assertEqual({204: 1, 404: MANY - 1}, statuses)


@testtools.skipIf(postgresql.why_not(), postgresql.why_not())
class PostgreSQLRaceTest(OnPostgreSQL, RaceTest):
    """The same on another database."""
