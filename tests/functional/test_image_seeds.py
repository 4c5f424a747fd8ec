"""A compute host gets an image from another one that has it."""

import hashlib
from pathlib import Path

import testtools

from mycloud.cmd import hosts
from mycloud.common import context
from mycloud.disk import image_source
from mycloud.disk.image_source import Neighbours
from mycloud.disk.image_spec import ImageSpec
from mycloud.objects.image_seed import ImageSeed
from tests.fixtures import seeds
from tests.fixtures.cloud import Cloud

CHECKSUM = hashlib.sha512(seeds.IMAGE_BYTES).hexdigest()


class ImageSeedsTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(Cloud(
            hosts=3, agent={"port": 0, "seed_images": True, "hooks_dir": "/nowhere"}))
        seeds.image(self.cloud, hash_value=CHECKSUM)
        self.spec = ImageSpec(seeds.IMAGE_ID, CHECKSUM, "raw", len(seeds.IMAGE_BYTES))
        self.target = self.cloud.state / "fetched"

    def cached(self, host: str, data: bytes = seeds.IMAGE_BYTES) -> Path:
        """Let a host have the image, and say so."""
        path = hosts.state_dir(host) / "_base" / CHECKSUM
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.publish(host)
        return path

    def publish(self, host: str) -> None:
        with context.role(context.COMPUTE):
            self.cloud.computes[host].publish_inventory(context.admin_context())

    def find(self, for_host: str = "host1") -> ImageSeed | None:
        with context.role(context.COMPUTE):
            return ImageSeed.find(context.admin_context(), CHECKSUM, for_host)

    def fetch(self, **changes: str) -> None:
        """As host1 would."""
        spec = ImageSpec(**{**vars(self.spec), **changes})
        neighbours = Neighbours("host1", None)
        with context.role(context.COMPUTE):
            image_source.fetcher(
                context.admin_context(), spec, neighbours=neighbours)(self.target)
        self.assertEqual(seeds.IMAGE_BYTES, self.target.read_bytes())

    def in_the_store(self, *, there: bool) -> None:
        """Whether the image service has the bytes at all."""
        [path] = (self.cloud.state / "images").glob(f"{seeds.IMAGE_ID}*")
        if not there:
            path.rename(path.with_name("away"))

    def test_from_the_host_that_has_it(self) -> None:
        self.assertIsNone(self.find())
        self.cached("host2")
        # not from itself
        self.assertIsNone(self.find("host2"))
        found = self.find()
        self.assertEqual(("host2", len(seeds.IMAGE_BYTES)), (found.host, found.size))
        self.assertTrue(found.url.startswith(
            self.cloud.computes["host2"].agent.published()["agent_url"]))
        self.in_the_store(there=False)
        self.fetch()

    def test_what_it_gives_is_proven(self) -> None:
        self.cached("host2", b"evil" * 100)
        self.fetch()

    def test_from_the_service_if_no_host_gives_it(self) -> None:
        # it has left the cache since it was told
        self.cached("host2").unlink()
        self.assertIsNone(self.find())
        self.fetch()
        self.cached("host2")
        self.cloud.services.pop("host2").stop()
        self.fetch()

    def test_only_what_is_the_image_itself(self) -> None:
        self.cached("host2", b"converted, so not the image")
        self.fetch(disk_format="qcow2")

    def test_what_a_host_tells(self) -> None:
        path = self.cached("host2")
        (path.parent / "locks").mkdir()
        (path.parent / f"{'a' * 128}.fetched").touch()
        published = self.cloud.computes["host2"].agent.published()
        self.assertEqual([CHECKSUM], published["cached_images"])
