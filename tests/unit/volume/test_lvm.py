"""LVM's tools are called with exactly these arguments, and what they say is understood.

The real tools and a real device-mapper: tests/integration/test_lvm_guest.py.
"""

import json
from pathlib import Path

import testtools
from oslo_concurrency import processutils

from mycloud.common import exceptions
from mycloud.privileged.errors import CallLost, HelperUnavailable, ProgramFailed
from mycloud.privileged.verbs import lvm as verbs
from mycloud.volume.drivers.base import GIB, BackendSettings
from mycloud.volume.drivers.loader import load
from mycloud.volume.drivers.lvm import LVMDriver, foreign
from mycloud.volume.drivers.lvm.commands import GroupMissing, Lvm, LvmFailed, NoSpace
from mycloud.volume.drivers.lvm.options import LvmOptions, is_thin
from tests.fixtures.recorded_programs import RecordedPrograms, said

_FIELDS = (
    "lv_name,lv_size,segtype,origin,origin_size,pool_lv,data_percent,metadata_percent,zero,"
    "lv_active,lv_device_open,lv_permissions,lv_tags"
)
_REPORT = ["--reportformat", "json", "--units", "b", "--nosuffix", "-o"]
_GROUP = "mycloud-vg"
_SEGTYPES = "striped\nlinear\nsnapshot\nthin\nthin-pool\n"


class Recorded:
    """LVM's tools, of which what they are told is kept: the root helper's verbs, and what runs as
    this user.

    Answers by the name of the program: see ``RecordedPrograms``.
    """

    def __init__(self, **answers):
        self._programs = RecordedPrograms(**answers)
        self.commands = self._programs.commands
        self.environments = self._programs.environments
        self.given = []

    def __getattr__(self, verb):
        def call(*args, **more):
            with self._programs:
                return getattr(verbs, verb)(*args, **more)

        return call

    def lvm_give(self, group, name):
        self.given.append(name)
        return f"/dev/{group}/{name}"

    def open_files(self, path):
        return [{"pid": 7, "program": "qemu", "uid": 0, "uses": [path]}]

    def execute(self, *cmd):
        try:
            return self._programs.run([f"/usr/bin/{cmd[0]}", *cmd[1:]]).stdout, ""
        except ProgramFailed as error:
            raise processutils.ProcessExecutionError(
                stderr=error.details["stderr"], exit_code=error.details["status"]
            ) from error

    def changes(self):
        """The commands that ask nothing."""
        return [each for each in self.commands if each[0] not in ("vgs", "lvs", "lvm")]


def lvm_on(recorded, group="mycloud-vg"):
    return Lvm(group, call=recorded, execute=recorded.execute)


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
    return row("mycloud-vg-pool", 95, "thin-pool", data_percent=used, metadata_percent="1.0",
               zero="zero", **more)


def thin(name, **more):
    return row(name, kind="thin", pool_lv="mycloud-vg-pool", **more)


def driver_on(recorded, **options):
    driver = LVMDriver(
        BackendSettings(
            "b1", "backend", Path("/nowhere"), {"volume_group": "mycloud-vg", **options}
        ),
        call=recorded, execute=recorded.execute,
    )
    driver.do_setup()
    recorded.commands.clear()
    return driver


class CommandsTest(testtools.TestCase):
    def test_every_command(self):
        recorded = Recorded(vgs=group(), lvs=rows(), lvm=_SEGTYPES)
        lvm = lvm_on(recorded)
        for call, expected in (
            (lvm.volume_group, ["vgs", *_REPORT, "vg_size,vg_free,lv_count", _GROUP]),
            (lvm.logical_volumes, ["lvs", *_REPORT, _FIELDS, _GROUP]),
            (lambda: lvm.logical_volume("a"),
             ["lvs", *_REPORT, _FIELDS, "-S", "lv_name=a", _GROUP]),
            (lvm.segment_types, ["lvm", "segtypes"]),
            (lambda: lvm.create_pool("p"),
             ["lvcreate", "--yes", "--type", "thin-pool", "--extents", "95%FREE", "--zero", "y",
              "--name", "p", _GROUP]),
            (lambda: lvm.fail_when_full("p"),
             ["lvchange", "--yes", "--errorwhenfull", "y", f"{_GROUP}/p"]),
            (lambda: lvm.create("a", GIB, {"t", "s"}),
             ["lvcreate", "--yes", "--type", "linear", "--size", "1073741824b", "--zero", "n",
              "--wipesignatures", "n", "--addtag", "s", "--addtag", "t", "--name", "a", _GROUP]),
            (lambda: lvm.create_thin("a", GIB, "p", {"t"}),
             ["lvcreate", "--yes", "--type", "thin", "--virtualsize", "1073741824b",
              "--thinpool", "p", "--wipesignatures", "n", "--addtag", "t", "--name", "a", _GROUP]),
            (lambda: lvm.snapshot("a", GIB, "s", {"t"}),
             ["lvcreate", "--yes", "--snapshot", "--size", "1078984704b", "--chunksize", "4096b",
              "--permission", "r", "--addtag", "t", "--name", "s", f"{_GROUP}/a"]),
            (lambda: lvm.snapshot_thin("a", "s", {"t"}, writable=False),
             ["lvcreate", "--yes", "--snapshot", "--setactivationskip", "n", "--activate", "y",
              "--permission", "r", "--addtag", "t", "--name", "s", f"{_GROUP}/a"]),
            (lambda: lvm.snapshot_thin("a", "b", {"t"}, writable=True),
             ["lvcreate", "--yes", "--snapshot", "--setactivationskip", "n", "--activate", "y",
              "--permission", "rw", "--addtag", "t", "--name", "b", f"{_GROUP}/a"]),
            (lambda: lvm.extend("a", 2 * GIB),
             ["lvextend", "--yes", "--size", "2147483648b", f"{_GROUP}/a"]),
            (lambda: lvm.rename("a", "b"), ["lvrename", "--yes", "mycloud-vg", "a", "b"]),
            (lambda: lvm.activate("a"),
             ["lvchange", "--yes", "--ignoreactivationskip", "--activate", "y", f"{_GROUP}/a"]),
            (lambda: lvm.deactivate("a"), ["lvchange", "--yes", "--activate", "n", f"{_GROUP}/a"]),
            (lambda: lvm.tag("a", {"t"}), ["lvchange", "--yes", "--addtag", "t", f"{_GROUP}/a"]),
            (lambda: lvm.untag("a", {"t"}), ["lvchange", "--yes", "--deltag", "t", f"{_GROUP}/a"]),
            (lambda: lvm.make_writable("a"),
             ["lvchange", "--yes", "--permission", "rw", f"{_GROUP}/a"]),
            (lambda: lvm.split("s"), ["lvconvert", "--yes", "--splitsnapshot", f"{_GROUP}/s"]),
            (lambda: lvm.remove("a"), ["lvremove", "--yes", "--force", f"{_GROUP}/a"]),
            (lambda: lvm.zero("a", 4096, 8192),
             ["setpriv", "--pdeathsig", "TERM", "blkdiscard", "--zeroout", "--step", "67108864",
              "--offset", "4096", "--length", "4096", "/dev/mycloud-vg/a"]),
            (lambda: lvm.zero("a"),
             ["setpriv", "--pdeathsig", "TERM", "blkdiscard", "--zeroout", "--step", "67108864",
              "--offset", "0", "/dev/mycloud-vg/a"]),
            (lambda: lvm.discard("a"),
             ["setpriv", "--pdeathsig", "TERM", "blkdiscard", "/dev/mycloud-vg/a"]),
        ):
            recorded.commands.clear()
            call()
            self.assertEqual([expected], recorded.commands)
        self.assertEqual(Path("/dev/mycloud-vg/a"), lvm.device("a"))
        self.assertEqual(["qemu (process 7)"], lvm.users("a"))
        # these run no tool of LVM
        others = {"device", "reaches", "users"}
        public = {each for each in vars(Lvm) if not each.startswith("_")} - others
        self.assertEqual(21, len(public), "every command is in the list above")

    def test_environment(self):
        recorded = Recorded(vgs=group())
        lvm_on(recorded).volume_group()
        self.assertEqual([{"LVM_SUPPRESS_FD_WARNINGS": "1"}], recorded.environments)

    def test_a_group_that_root_has_not_allowed(self):
        recorded = Recorded(vgs=group())
        error = self.assertRaises(LvmFailed, lvm_on(recorded, "system").volume_group)
        self.assertIn("let root add a line system to ", error.reason)
        self.assertIn("/allowed/volume-groups", error.reason)
        self.assertEqual([], recorded.commands)

    def test_a_helper_that_does_not_answer(self):
        for kind in (HelperUnavailable, CallLost):
            lvm = lvm_on(Recorded(lvremove=kind("it is away")))
            self.assertEqual("it is away", self.assertRaises(LvmFailed, lvm.remove, "a").reason)

    def test_what_is_gone_is_removed(self):
        words = '  Failed to find logical volume f"{_GROUP}/a"\n'
        lvm_on(Recorded(lvremove=said(words))).remove("a")

    def test_names(self):
        recorded = Recorded()
        lvm = lvm_on(recorded)
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
                LvmFailed, lvm_on(Recorded(lvremove=said(words))).remove, "a"
            )
            self.assertIs(kind, type(error))
            self.assertIn(told, error.reason)

    def test_rows(self):
        answer = rows(
            pool(), thin("a", data_percent="25.00", lv_tags="x,y", lv_device_open="open"),
            row("s", 5, "linear", origin="b", origin_size=str(GIB), lv_permissions="read-only",
                lv_active=""),
        )
        first, second, third = lvm_on(Recorded(lvs=answer)).logical_volumes()
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
        options = LvmOptions.of({"volume_group": "vg"})
        self.assertEqual(
            ("auto", "vg-pool", True, 0),
            (options.lvm_type, options.pool, options.clear, options.clear_mib),
        )

    def test_wrong_options(self):
        for name, value in (
            ("lvm_type", "fat"), ("volume_clear", "shred"), ("volume_group", "a/b"),
            ("lvm_pool_name", "a b"),
        ):
            error = self.assertRaises(
                exceptions.BackendFailed, driver_on, Recorded(vgs=group()), **{name: value}
            )
            self.assertIn(value, str(error))


class DriverTest(testtools.TestCase):
    def test_found_by_its_name(self):
        settings = BackendSettings("b1", "backend", Path("/nowhere"), {"volume_group": _GROUP})
        self.assertIsInstance(load("lvm", settings), LVMDriver)

    def test_a_group_that_is_missing_is_named(self):
        recorded = Recorded(vgs=said('  Volume group "mycloud-vg" not found\n'))
        error = self.assertRaises(exceptions.VolumeGroupNotFound, driver_on, recorded)
        self.assertIn("no volume group mycloud-vg on this host", str(error))
        self.assertIsInstance(error, exceptions.BackendFailed)

    def test_a_pool_is_made(self):
        recorded = Recorded(vgs=group(), lvs=rows(), lvm=_SEGTYPES)
        driver = LVMDriver(
            BackendSettings("b1", "b", Path("/nowhere"), {"volume_group": "mycloud-vg"}),
            call=recorded, execute=recorded.execute,
        )
        driver.do_setup()
        self.assertEqual(
            [
                ["lvcreate", "--yes", "--type", "thin-pool", "--extents", "95%FREE", "--zero",
                 "y", "--name", "mycloud-vg-pool", _GROUP],
                ["lvchange", "--yes", "--errorwhenfull", "y", "mycloud-vg/mycloud-vg-pool"],
            ],
            recorded.changes(),
        )

    def test_devices_after_a_boot(self):
        recorded = Recorded(vgs=group(volumes=4), lvm=_SEGTYPES, lvs=rows(
            pool(), thin("volume-a", lv_tags="mycloud"), thin("volume-b"),
            thin("volume-c", lv_tags="mycloud", lv_active=""),
        ))
        driver_on(recorded)
        self.assertEqual(["volume-a"], recorded.given)

    def test_a_pool_that_can_t_be_made(self):
        recorded = Recorded(
            vgs=group(), lvs=rows(), lvm=_SEGTYPES,
            lvcreate=said("  thin-pool: Required device-mapper target(s) not detected.\n"),
        )
        error = self.assertRaises(
            exceptions.BackendFailed, driver_on, recorded, lvm_type="thin"
        )
        self.assertIn("create its thin pool mycloud-vg-pool", str(error))
        self.assertIn("Required device-mapper target(s) not detected", str(error))

    def test_thin_is_not_supported(self):
        recorded = Recorded(vgs=group(), lvs=rows(), lvm="linear\nsnapshot\n")
        error = self.assertRaises(
            exceptions.BackendFailed, driver_on, recorded, lvm_type="thin"
        )
        self.assertIn("lvm_type = default", str(error))
        self.assertFalse(driver_on(recorded).pools()[0].thin)

    def test_what_has_the_name_of_the_pool(self):
        recorded = Recorded(vgs=group(volumes=1), lvs=rows(row("mycloud-vg-pool")), lvm=_SEGTYPES)
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
            ["lvremove", "--yes", "--force", "mycloud-vg/volume-v1"], recorded.changes()[-1]
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
        found = lvm_on(Recorded(lvs=answer)).logical_volumes()
        reasons = {
            each.reference["source-name"]: each.reason
            for each in foreign.listing(found, "mycloud-vg-pool", thin=False)
        }
        self.assertIsNone(reasons.pop("free"))
        self.assertNotIn("mycloud-vg-pool", reasons)
        self.assertEqual(
            {"used", "snap", "thin", "fixed"}, {name for name, why in reasons.items() if why}
        )
