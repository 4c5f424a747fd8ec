"""LVM's tools are called with exactly these arguments, and what they say is understood.

The real tools and a real device-mapper: tests/integration/test_lvm_guest.py.
"""

import json
from pathlib import Path

import testtools
from oslo_concurrency import processutils

from mycloud.common import exceptions
from mycloud.volume.drivers.base import GIB, BackendSettings
from mycloud.volume.drivers.loader import load
from mycloud.volume.drivers.lvm import LVMDriver, foreign
from mycloud.volume.drivers.lvm.commands import GroupMissing, Lvm, LvmFailed, NoSpace
from mycloud.volume.drivers.lvm.options import LvmOptions, is_thin

_FIELDS = (
    "lv_name,lv_size,segtype,origin,origin_size,pool_lv,data_percent,metadata_percent,zero,"
    "lv_active,lv_device_open,lv_permissions,lv_tags"
)
_REPORT = ["--reportformat", "json", "--units", "b", "--nosuffix", "-o"]
_SEGTYPES = "striped\nlinear\nsnapshot\nthin\nthin-pool\n"


class Recorded:
    """Runs nothing: keeps the commands, and answers by the name of the program.

    An answer that is an exception is raised; of a list, each call takes the first.
    """

    def __init__(self, **answers):
        self.commands = []
        self.environments = []
        self._answers = answers

    def __call__(self, *cmd, env_variables):
        self.commands.append(list(cmd))
        self.environments.append(env_variables)
        answer = self._answers.get(cmd[0], "")
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer, ""

    def changes(self):
        """The commands that ask nothing."""
        return [each for each in self.commands if each[0] not in ("vgs", "lvs", "lvm")]


def said(stderr, status=5):
    return processutils.ProcessExecutionError(stderr=stderr, exit_code=status)


def group(free_gb=100, volumes=0):
    row = {"vg_size": str(100 * GIB), "vg_free": str(free_gb * GIB), "lv_count": str(volumes)}
    return json.dumps({"report": [{"vg": [row]}]})


def row(name, size_gb=1, kind="linear", tags="", **more):
    """A row of lvs."""
    return {
        "lv_name": name, "lv_size": str(size_gb * GIB), "segtype": kind, "origin": "",
        "origin_size": "", "pool_lv": "", "data_percent": "", "metadata_percent": "", "zero": "",
        "lv_active": "active", "lv_device_open": "", "lv_permissions": "writeable",
        "lv_tags": tags, **more,
    }


def rows(*found):
    return json.dumps({"report": [{"lv": list(found)}]})


def pool(used="10.00", **more):
    return row("vg-pool", 95, "thin-pool", data_percent=used, metadata_percent="1.0",
               zero="zero", **more)


def thin(name, **more):
    return row(name, kind="thin", pool_lv="vg-pool", **more)


def driver_on(recorded, **options):
    driver = LVMDriver(
        BackendSettings("b1", "backend", Path("/nowhere"), {"volume_group": "vg", **options}),
        recorded,
    )
    driver.do_setup()
    recorded.commands.clear()
    return driver


class CommandsTest(testtools.TestCase):
    def test_every_command(self):
        recorded = Recorded(vgs=group(), lvs=rows(), lvm=_SEGTYPES)
        lvm = Lvm("vg", None, recorded)
        for call, expected in (
            (lvm.volume_group, ["vgs", *_REPORT, "vg_size,vg_free,lv_count", "vg"]),
            (lvm.logical_volumes, ["lvs", *_REPORT, _FIELDS, "vg"]),
            (lambda: lvm.logical_volume("a"),
             ["lvs", *_REPORT, _FIELDS, "-S", "lv_name=a", "vg"]),
            (lvm.segment_types, ["lvm", "segtypes"]),
            (lambda: lvm.create_pool("p"),
             ["lvcreate", "--yes", "--type", "thin-pool", "--extents", "95%FREE", "--zero", "y",
              "--name", "p", "vg"]),
            (lambda: lvm.fail_when_full("p"),
             ["lvchange", "--yes", "--errorwhenfull", "y", "vg/p"]),
            (lambda: lvm.create("a", GIB, {"t", "s"}),
             ["lvcreate", "--yes", "--type", "linear", "--size", "1073741824b", "--zero", "n",
              "--wipesignatures", "n", "--addtag", "s", "--addtag", "t", "--name", "a", "vg"]),
            (lambda: lvm.create_thin("a", GIB, "p", {"t"}),
             ["lvcreate", "--yes", "--type", "thin", "--virtualsize", "1073741824b",
              "--thinpool", "p", "--wipesignatures", "n", "--addtag", "t", "--name", "a", "vg"]),
            (lambda: lvm.snapshot("a", GIB, "s", {"t"}),
             ["lvcreate", "--yes", "--snapshot", "--size", "1078984704b", "--chunksize", "4096b",
              "--permission", "r", "--addtag", "t", "--name", "s", "vg/a"]),
            (lambda: lvm.snapshot_thin("a", "s", {"t"}, writable=False),
             ["lvcreate", "--yes", "--snapshot", "--setactivationskip", "n", "--activate", "y",
              "--permission", "r", "--addtag", "t", "--name", "s", "vg/a"]),
            (lambda: lvm.snapshot_thin("a", "b", {"t"}, writable=True),
             ["lvcreate", "--yes", "--snapshot", "--setactivationskip", "n", "--activate", "y",
              "--permission", "rw", "--addtag", "t", "--name", "b", "vg/a"]),
            (lambda: lvm.extend("a", 2 * GIB),
             ["lvextend", "--yes", "--size", "2147483648b", "vg/a"]),
            (lambda: lvm.rename("a", "b"), ["lvrename", "--yes", "vg", "a", "b"]),
            (lambda: lvm.activate("a"),
             ["lvchange", "--yes", "--ignoreactivationskip", "--activate", "y", "vg/a"]),
            (lambda: lvm.deactivate("a"), ["lvchange", "--yes", "--activate", "n", "vg/a"]),
            (lambda: lvm.tag("a", {"t"}), ["lvchange", "--yes", "--addtag", "t", "vg/a"]),
            (lambda: lvm.untag("a", {"t"}), ["lvchange", "--yes", "--deltag", "t", "vg/a"]),
            (lambda: lvm.make_writable("a"), ["lvchange", "--yes", "--permission", "rw", "vg/a"]),
            (lambda: lvm.split("s"), ["lvconvert", "--yes", "--splitsnapshot", "vg/s"]),
            (lambda: lvm.remove("a"), ["lvremove", "--yes", "--force", "vg/a"]),
            (lambda: lvm.zero("a", 4096, 8192),
             ["setpriv", "--pdeathsig", "TERM", "blkdiscard", "--zeroout", "--step", "67108864",
              "--offset", "4096", "--length", "4096", "/dev/vg/a"]),
            (lambda: lvm.zero("a"),
             ["setpriv", "--pdeathsig", "TERM", "blkdiscard", "--zeroout", "--step", "67108864",
              "--offset", "0", "/dev/vg/a"]),
            (lambda: lvm.discard("a"),
             ["setpriv", "--pdeathsig", "TERM", "blkdiscard", "/dev/vg/a"]),
        ):
            recorded.commands.clear()
            call()
            self.assertEqual([expected], recorded.commands)
        public = {each for each in vars(Lvm) if not each.startswith("_")} - {"device"}
        self.assertEqual(21, len(public), "every command is in the list above")

    def test_environment(self):
        recorded = Recorded(vgs=group())
        Lvm("vg", None, recorded).volume_group()
        Lvm("vg", "/etc/mycloud/lvm.conf", recorded).volume_group()
        plain, own = recorded.environments
        self.assertEqual(("C", "1"), (plain["LC_ALL"], plain["LVM_SUPPRESS_FD_WARNINGS"]))
        self.assertNotIn("LVM_SYSTEM_DIR", plain)
        self.assertEqual("/etc/mycloud", own["LVM_SYSTEM_DIR"])

    def test_names(self):
        recorded = Recorded()
        lvm = Lvm("vg", None, recorded)
        for bad in (
            "", "a/b", "-a", "a b", "..", ".", "a\n", "@a", "x" * 128, "snapshot-1", "pvmove0",
            "a_tdata", "p_tmeta", "a_rimage_0", "a_vorigin",
        ):
            for call in (
                lambda bad=bad: lvm.remove(bad), lambda bad=bad: lvm.rename("a", bad),
                lambda bad=bad: lvm.create(bad, GIB, []), lambda bad=bad: Lvm(bad),
                lambda bad=bad: lvm.device(bad),
            ):
                self.assertRaises(ValueError, call)
        for bad in ("", "a b", "a,b", "@t", "t\n"):
            self.assertRaises(ValueError, lvm.tag, "a", [bad])
        for bad in (0, -1):
            self.assertRaises(ValueError, lvm.extend, "a", bad)
        self.assertRaises(ValueError, Lvm, "vg", "lvm.conf")
        self.assertRaises(ValueError, Lvm, "vg", "/etc/passwd")
        self.assertEqual([], recorded.commands)

    def test_words_of_lvm(self):
        for words, kind, told in (
            ('  Volume group "vg" not found\n  Cannot process volume group vg\n', GroupMissing,
             'Volume group "vg" not found Cannot process volume group vg'),
            ('  WARNING: Sum of all sizes\n  Volume group "vg" has insufficient free space '
             "(255 extents): 256 required.\n", NoSpace, "insufficient free space"),
            ("  Insufficient suitable allocatable extents for logical volume a\n", NoSpace,
             "Insufficient"),
            ("  Logical volume vg/a in use.\n", LvmFailed, "Logical volume vg/a in use."),
            ("  /dev/sdb: open failed\n", LvmFailed, "(a device) open failed"),
            ("  WARNING: only this\n", LvmFailed, "WARNING: only this"),
            ("", LvmFailed, "exit status 5"),
        ):
            error = self.assertRaises(
                LvmFailed, Lvm("vg", None, Recorded(lvremove=said(words))).remove, "a"
            )
            self.assertIs(kind, type(error))
            self.assertIn(told, error.reason)

    def test_rows(self):
        answer = rows(
            pool(), thin("a", data_percent="25.00", lv_tags="x,y", lv_device_open="open"),
            row("s", 5, "linear", origin="b", origin_size=str(GIB), lv_permissions="read-only",
                lv_active=""),
        )
        first, second, third = Lvm("vg", None, Recorded(lvs=answer)).logical_volumes()
        self.assertEqual((0.1, 0.01, True), (first.used, first.metadata_used, first.zeroing))
        self.assertEqual(
            (True, False, 0.25, True, {"x", "y"}),
            (second.thin, second.copy_on_write, second.used, second.opened, second.tags),
        )
        # as a guest sees it, not the room for what changes
        self.assertEqual(
            (GIB, True, False, False),
            (third.size, third.copy_on_write, third.writable, third.active),
        )


class OptionsTest(testtools.TestCase):
    def test_auto(self):
        for supported, there, empty, expected in (
            (True, True, False, True),
            (True, False, True, True),
            (True, False, False, False),
            (False, True, True, False),
        ):
            state = {"thin_supported": supported, "pool_exists": there, "group_empty": empty}
            self.assertEqual(expected, is_thin("auto", **state), state)
            self.assertFalse(is_thin("default", **state))
            if supported:
                self.assertTrue(is_thin("thin", **state))
            else:
                error = self.assertRaises(ValueError, is_thin, "thin", **state)
                self.assertIn("thin-provisioning-tools", str(error))

    def test_defaults(self):
        options = LvmOptions.of({"volume_group": "vg", "lvm_conf_file": "None"})
        self.assertEqual(
            ("auto", "vg-pool", None, True, 0),
            (options.lvm_type, options.pool, options.conf_file, options.clear, options.clear_mib),
        )

    def test_wrong_options(self):
        for name, value in (
            ("lvm_type", "fat"), ("volume_clear", "shred"), ("volume_group", "a/b"),
            ("lvm_pool_name", "a b"), ("lvm_conf_file", "relative/lvm.conf"),
        ):
            error = self.assertRaises(
                exceptions.BackendFailed, driver_on, Recorded(vgs=group()), **{name: value}
            )
            self.assertIn(value, str(error))


class DriverTest(testtools.TestCase):
    def test_found_by_its_name(self):
        settings = BackendSettings("b1", "backend", Path("/nowhere"), {"volume_group": "vg"})
        self.assertIsInstance(load("lvm", settings), LVMDriver)

    def test_a_group_that_is_missing_is_named(self):
        recorded = Recorded(vgs=said('  Volume group "vg" not found\n'))
        error = self.assertRaises(exceptions.VolumeGroupNotFound, driver_on, recorded)
        self.assertIn("no volume group vg on this host", str(error))
        self.assertIsInstance(error, exceptions.BackendFailed)

    def test_a_pool_is_made(self):
        recorded = Recorded(vgs=group(), lvs=rows(), lvm=_SEGTYPES)
        driver = LVMDriver(
            BackendSettings("b1", "b", Path("/nowhere"), {"volume_group": "vg"}), recorded
        )
        driver.do_setup()
        self.assertEqual(
            [
                ["lvcreate", "--yes", "--type", "thin-pool", "--extents", "95%FREE", "--zero",
                 "y", "--name", "vg-pool", "vg"],
                ["lvchange", "--yes", "--errorwhenfull", "y", "vg/vg-pool"],
            ],
            recorded.changes(),
        )

    def test_a_pool_that_can_t_be_made(self):
        recorded = Recorded(
            vgs=group(), lvs=rows(), lvm=_SEGTYPES,
            lvcreate=said("  thin-pool: Required device-mapper target(s) not detected.\n"),
        )
        error = self.assertRaises(
            exceptions.BackendFailed, driver_on, recorded, lvm_type="thin"
        )
        self.assertIn("create its thin pool vg-pool", str(error))
        self.assertIn("Required device-mapper target(s) not detected", str(error))

    def test_thin_is_not_supported(self):
        recorded = Recorded(vgs=group(), lvs=rows(), lvm="linear\nsnapshot\n")
        error = self.assertRaises(
            exceptions.BackendFailed, driver_on, recorded, lvm_type="thin"
        )
        self.assertIn("lvm_type = default", str(error))
        self.assertFalse(driver_on(recorded).pools()[0].thin)

    def test_what_has_the_name_of_the_pool(self):
        recorded = Recorded(vgs=group(volumes=1), lvs=rows(row("vg-pool")), lvm=_SEGTYPES)
        error = self.assertRaises(
            exceptions.BackendFailed, driver_on, recorded, lvm_type="thin"
        )
        self.assertIn("lvm_pool_name", str(error))

    def test_capacity(self):
        found = rows(pool(used="25.00"), thin("a", lv_tags="mycloud"), thin("b"))
        driver = driver_on(
            Recorded(vgs=group(5, 3), lvs=found, lvm=_SEGTYPES), max_over_subscription_ratio="3"
        )
        [told] = driver.pools()
        self.assertEqual(
            ("backend", 95, 71.25, 2, True, 3.0),
            (told.name, told.total_gb, told.free_gb, told.provisioned_gb, told.thin,
             told.max_over_subscription_ratio),
        )
        thick = driver_on(
            Recorded(vgs=group(98, 2), lvs=rows(row("a"), row("b")), lvm=_SEGTYPES)
        )
        [told] = thick.pools()
        self.assertEqual(
            (100, 98, 2, False),
            (told.total_gb, told.free_gb, told.provisioned_gb, told.thin),
        )

    def test_a_pool_whose_metadata_is_full_has_no_room(self):
        full = {**pool(), "metadata_percent": "97.0"}
        driver = driver_on(Recorded(vgs=group(5, 1), lvs=rows(full), lvm=_SEGTYPES))
        self.assertEqual(0, driver.pools()[0].free_gb)
        self.assertRaises(exceptions.BackendFull, driver.create, "v1", 1)

    def test_nothing_is_left_when_a_step_fails(self):
        made = row("volume-v1", tags="mycloud,mycloud.making")
        recorded = Recorded(
            vgs=group(50, 1), lvm=_SEGTYPES, setpriv=said("  Input/output error\n"),
            lvs=[rows(), rows(), rows(made)],
        )
        driver = driver_on(recorded)
        self.assertRaises(exceptions.BackendFailed, driver.create, "v1", 1)
        self.assertEqual(
            ["lvremove", "--yes", "--force", "vg/volume-v1"], recorded.changes()[-1]
        )

    def test_what_is_not_whole_does_not_exist(self):
        for tags in ("mycloud,mycloud.making", "mycloud,mycloud.going", ""):
            driver = driver_on(
                Recorded(vgs=group(50, 1), lvs=rows(row("volume-v1", tags=tags)), lvm=_SEGTYPES)
            )
            self.assertFalse(driver.exists("v1"), tags)
            self.assertEqual([], driver.names(), tags)

    def test_what_can_be_managed(self):
        answer = rows(
            row("free"), row("used", lv_device_open="open"), row("volume-v1", tags="mycloud"),
            row("snap", origin="free", origin_size=str(GIB)), thin("thin"), pool(),
            row("fixed", lv_permissions="read-only"),
        )
        found = Lvm("vg", None, Recorded(lvs=answer)).logical_volumes()
        reasons = {
            each.reference["source-name"]: each.reason
            for each in foreign.listing(found, "vg-pool", thin=False)
        }
        self.assertIsNone(reasons.pop("free"))
        self.assertNotIn("vg-pool", reasons)
        self.assertEqual(
            {"used", "snap", "thin", "fixed"}, {name for name, why in reasons.items() if why}
        )
