"""Remotable methods, in one process: the compute role goes through the conductor, for real."""

import logging
import re
from typing import Any

import fixtures
import testtools
from oslo_db import exception as db_exc
from oslo_versionedobjects import base as ovo
from oslo_versionedobjects import exception as ovo_exc
from oslo_versionedobjects import fields

from mycloud import objects
from mycloud.common import clock, concurrency, context, exceptions, rpc, service
from mycloud.common.states import Power, Vm
from mycloud.compute.rpcapi import ComputeAPI
from mycloud.conductor.manager import ConductorManager
from mycloud.conductor.rpcapi import ConductorAPI
from mycloud.db import engine, services
from mycloud.journal.hooks import ServiceHooks
from mycloud.objects import base
from mycloud.objects.operation import Operation
from mycloud.objects.server import Server, ServerList
from mycloud.objects.service import Service
from tests.fixtures.conductor import Conductor

ONE_CALL = {"conductor.object_class_action_versions": 1}
ONE_ACTION = {"conductor.object_action": 1}


class RemotingTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.conductor = self.useFixture(Conductor())
        self.context = context.admin_context()
        self.server_id = self.conductor.insert_server()
        self.conductor.messages()

    def get(self, role: str) -> Server:
        with context.role(role):
            return Server.get(self.context, self.server_id)

    def test_class_method_is_one_message_from_compute_and_none_from_api(self) -> None:
        far = self.get(context.COMPUTE)
        self.assertEqual(ONE_CALL, self.conductor.messages())
        near = self.get(context.API)
        self.assertEqual({}, self.conductor.messages())
        self.assertEqual(near.as_dict(), far.as_dict())
        for found in (near, far):
            self.assertIs(self.context, found._context)
            self.assertEqual(set(), found.obj_what_changed())

    def test_list_is_one_message_with_all_its_objects(self) -> None:
        self.conductor.insert_server()
        with context.role(context.COMPUTE):
            found = ServerList.on_host(self.context, "host1")
        self.assertEqual(ONE_CALL, self.conductor.messages())
        self.assertEqual(2, len(found))
        self.assertIs(self.context, found[0]._context)

    def test_without_indirection_it_raises(self) -> None:
        base.set_indirection(None)
        for role in (context.COMPUTE, None):
            self.assertRaises(exceptions.IndirectionMissing, self.get, role)
        self.get(context.API)

    def test_the_engine_denies_the_role_and_logs_the_stack(self) -> None:
        log = self.useFixture(fixtures.FakeLogger(level=logging.ERROR))
        for role in (context.COMPUTE, None):
            with context.role(role):
                self.assertRaises(
                    exceptions.DatabaseNotAllowed, self._reach_for_the_database
                )
        self.assertEqual(2, len(re.findall("_reach_for_the_database", log.output)))

    def _reach_for_the_database(self) -> None:
        with engine.reader():
            self.fail("the database was opened")

    def test_the_role_goes_along_into_spawned_work(self) -> None:
        with context.role(context.COMPUTE):
            task = concurrency.spawn(Server.get, self.context, self.server_id)
        self.assertEqual(self.server_id, task.wait(10).id)
        self.assertEqual(ONE_CALL, self.conductor.messages())

    def test_domain_errors_travel(self) -> None:
        with context.role(context.COMPUTE):
            error = self.assertRaises(
                exceptions.ServerNotFound, Server.get, self.context, "nobody"
            )
        self.assertEqual("Instance nobody could not be found.", str(error))
        self.assertEqual((404, "server_not_found"), (error.status, error.code))
        self.assertIs(exceptions.ServerNotFound, type(error))
        self.assertIn("in get", str(error.__cause__))

    def test_deadlocks_are_tried_again(self) -> None:
        with context.role(context.API):
            self.assertEqual(1, Whole10.in_a_crowd(self.context, [0, 0]))

    def test_save_sends_only_what_changed(self) -> None:
        server = self.get(context.COMPUTE)
        before = server.as_dict()
        server.power_state = Power.SHUTDOWN
        server.metadata = {"c": "d"}
        sent = self._sent()
        with context.role(context.COMPUTE):
            server.save()
        traveller = sent[0]
        self.assertEqual(
            {"id", "vm_state", "power_state", "metadata"}, set(traveller.as_dict())
        )
        self.assertEqual({"power_state", "metadata"}, traveller.obj_what_changed())
        self.assertEqual(set(), server.obj_what_changed())
        # what the conductor changed comes back, all else is kept
        self.assertIsNotNone(server.updated_at)
        changed = {"power_state", "metadata", "updated_at"}
        for name in set(before) - changed:
            self.assertEqual(before[name], getattr(server, name), name)
        saved = self.get(context.API)
        self.assertEqual(server.as_dict(), saved.as_dict())

    def _sent(self) -> list[Any]:
        """The objects that go out with object_action from now on."""
        sent: list[Any] = []

        class Watched(ConductorAPI):
            def call(self, context: Any, method: str, **args: Any) -> Any:
                sent.append(args["objinst"])
                return super().call(context, method, **args)

        base.set_indirection(Watched())
        return sent

    def test_save_is_refused_when_the_server_is_busy(self) -> None:
        server = self.get(context.COMPUTE)
        server.name = "other"
        with context.role(context.COMPUTE):
            self.assertRaises(
                exceptions.StateConflict, server.save, expected_task_state="spawning"
            )
        self.assertIn("name", server.obj_what_changed())

    def test_save_without_changes_writes_nothing(self) -> None:
        server = self.get(context.COMPUTE)
        with context.role(context.COMPUTE):
            server.save()
        self.assertIsNone(self.get(context.API).updated_at)

    def test_observe_power_needs_the_state_it_was_seen_in(self) -> None:
        server = self.get(context.COMPUTE)
        self.conductor.messages()
        with context.role(context.COMPUTE):
            self.assertTrue(server.observe_power(Power.SHUTDOWN))
            self.assertEqual(ONE_ACTION, self.conductor.messages())
            # it is stopped by now, this copy still says active
            self.assertFalse(server.observe_power(Power.RUNNING))
        self.assertEqual(Vm.STOPPED, self.get(context.API).vm_state)

    def test_orphan_is_refused_before_any_message(self) -> None:
        orphan = Server(id=self.server_id)
        with context.role(context.COMPUTE):
            error = self.assertRaises(ovo_exc.OrphanedObjectError, orphan.save)
        self.assertIn("save", str(error))
        self.assertIn("Server", str(error))
        self.assertEqual({}, self.conductor.messages())

    def test_only_remotable_methods_can_be_called_from_afar(self) -> None:
        server = self.get(context.API)
        for name in ("obj_reset_changes", "no_such_method", "__init__"):
            self.assertRaises(
                exceptions.Invalid,
                self.conductor.api.object_action, self.context, server, name, (), {},
            )
            self.assertRaises(
                exceptions.Invalid,
                self.conductor.api.object_class_action_versions,
                self.context, "Server", name, {"Server": "1.0"}, (), {},
            )

    def test_every_remotable_method_can_be_listed(self) -> None:
        found = {(each.object, each.method): each for each in objects.remotable_methods()}
        get = found["Server", "get"]
        self.assertEqual(("class", "(cls, context: Any, server_id: str)"),
                         (get.kind, get.signature.split(" -> ")[0]))
        self.assertEqual("instance", found["Server", "save"].kind)
        self.assertNotIn(("Server", "changes"), found)
        self.assertIs(True, Server.get.remotable)
        self.assertEqual("get", Server.get.original_fn.__name__)


class OlderConductorTest(testtools.TestCase):
    """What oslo.versionedobjects falls back to."""

    def setUp(self) -> None:
        super().setUp()

        class OlderManager:
            object_action = ConductorManager.object_action
            object_backport = ConductorManager.object_backport
            object_class_action = ConductorManager.object_class_action
            target = ConductorManager.target

        self.conductor = self.useFixture(Conductor(serve=False))
        self.conductor.serve(OlderManager())
        self.context = context.admin_context()

    def test_class_method(self) -> None:
        server_id = self.conductor.insert_server()
        self.conductor.messages()
        with context.role(context.COMPUTE):
            self.assertEqual(server_id, Server.get(self.context, server_id).id)
        self.assertEqual(
            {**ONE_CALL, "conductor.object_class_action": 1}, self.conductor.messages()
        )

    def test_backport(self) -> None:
        server = Server(self.context, id="x")
        self.assertRaises(
            NotImplementedError,
            self.conductor.api.object_backport_versions, self.context, server, {},
        )
        found = self.conductor.api.object_backport(self.context, server, "1.0")
        self.assertEqual("x", found.id)


@base.Registry.register_if(False)
class Part10(base.MycloudObject):
    VERSION = "1.0"
    fields = {"name": fields.StringField()}

    @classmethod
    def obj_name(cls) -> str:
        return "Part"


@base.Registry.register_if(False)
class Part11(Part10):
    VERSION = "1.1"
    fields = {**Part10.fields, "size": fields.IntegerField()}

    def obj_make_compatible(self, primitive: dict[str, Any], target_version: str) -> None:
        super().obj_make_compatible(primitive, target_version)
        if target_version == "1.0":
            primitive.pop("size", None)


@base.Registry.register_if(False)
class Whole10(base.MycloudObject):
    VERSION = "1.0"
    fields = {
        "id": fields.StringField(),
        "part": fields.ObjectField("Part"),
        "parts": fields.ListOfObjectsField("Part"),
    }

    @classmethod
    def obj_name(cls) -> str:
        return "Whole"

    @classmethod
    @base.remotable
    def get(cls, context: Any) -> "Whole10":
        return cls(
            context, id="w", extra=7, part=Part11(context, name="p", size=1),
            parts=[Part11(context, name="q", size=2)],
        )

    @classmethod
    @base.remotable
    def in_containers(cls, context: Any) -> dict[str, Any]:
        return {"one": cls.get(context), "many": [cls.get(context)]}

    @classmethod
    @base.remotable
    def in_a_crowd(cls, context: Any, deadlocks: list[int]) -> int:
        if deadlocks:
            deadlocks.pop()
            raise db_exc.DBDeadlock()
        return 1

    @base.remotable
    def grow(self) -> str:
        self.part = Part11(self._context, name=self.part.name + "!", size=3)
        self.extra = 8
        return "grown"


@base.Registry.register_if(False)
class Whole13(Whole10):
    VERSION = "1.3"
    fields = {**Whole10.fields, "extra": fields.IntegerField()}

    def obj_make_compatible_from_manifest(
        self, primitive: dict[str, Any], target_version: str, version_manifest: dict[str, str]
    ) -> None:
        super().obj_make_compatible_from_manifest(primitive, target_version, version_manifest)
        if target_version < "1.3":
            primitive.pop("extra", None)


OLD = {"Part": [Part10], "Whole": [Whole10]}
NEW = {"Part": [Part11], "Whole": [Whole13]}


class OlderReaderTest(testtools.TestCase):
    """A compute host that was not upgraded yet: in its role only the old classes are known."""

    def setUp(self) -> None:
        super().setUp()
        self.conductor = self.useFixture(Conductor())
        self.context = context.admin_context()
        known = ovo.VersionedObjectRegistry.obj_classes

        def of_the_role(_cls: type) -> dict[str, Any]:
            older = context.current_role() == context.COMPUTE
            return {**known(), **(OLD if older else NEW)}

        self.useFixture(
            fixtures.MonkeyPatch(
                "oslo_versionedobjects.base.VersionedObjectRegistry.obj_classes",
                classmethod(of_the_role),
            )
        )
        self.conductor.messages()

    def check(self, found: Any) -> None:
        self.assertIs(Whole10, type(found))
        self.assertEqual({"id", "part", "parts"}, set(found.as_dict()))
        for part in (found.part, *found.parts):
            self.assertIs(Part10, type(part))
            self.assertEqual({"name"}, set(part.as_dict()))

    def test_result_of_a_class_method_has_the_callers_versions_all_the_way_down(self) -> None:
        with context.role(context.COMPUTE):
            found = Whole10.get(self.context)
        self.check(found)
        self.assertEqual("p", found.part.name)
        self.assertEqual(ONE_CALL, self.conductor.messages())

    def test_newer_objects_in_containers_are_backported(self) -> None:
        with context.role(context.COMPUTE):
            found = Whole10.in_containers(self.context)
        self.check(found["one"])
        self.check(found["many"][0])
        self.assertEqual(
            {**ONE_CALL, "conductor.object_backport_versions": 2}, self.conductor.messages()
        )

    def test_newer_object_in_a_message_costs_one_more(self) -> None:
        newer = Whole13.get.original_fn(Whole13, self.context)
        primitive = base.Serializer().serialize_entity(self.context, newer)
        with context.role(context.COMPUTE):
            found = base.Serializer().deserialize_entity(self.context, primitive)
        self.check(found)
        self.assertEqual(
            {"conductor.object_backport_versions": 1}, self.conductor.messages()
        )

    def test_instance_method_and_nested_objects(self) -> None:
        with context.role(context.COMPUTE):
            found = Whole10.get(self.context)
            self.conductor.messages()
            self.assertEqual("grown", found.grow())
        # the new part came as 1.1 and was brought down; what this host does not know is left out
        self.check(found)
        self.assertEqual("p!", found.part.name)
        self.assertEqual("q", found.parts[0].name)
        self.assertEqual(1, self.conductor.messages()["conductor.object_action"])

    def test_a_reader_without_a_conductor_refuses(self) -> None:
        newer = Whole13.get.original_fn(Whole13, self.context)
        primitive = newer.obj_to_primitive()
        primitive["mycloud_object.version"] = "2.0"
        with context.role(context.API):
            self.assertRaises(
                ovo_exc.IncompatibleObjectVersion,
                base.Serializer().deserialize_entity, self.context, primitive,
            )


class SerializerTest(testtools.TestCase):
    """Objects inside plain containers, and plain values."""

    def setUp(self) -> None:
        super().setUp()
        objects.register_all()
        self.context = context.admin_context()
        self.serializer = base.Serializer()

    def round_trip(self, value: Any) -> Any:
        travelled = self.serializer.serialize_entity(self.context, value)
        self.assertNotIn("Server(", repr(travelled))
        return self.serializer.deserialize_entity(self.context, travelled)

    def test_containers(self) -> None:
        server = Server(self.context, id="x", created_at=clock.now())
        server.obj_reset_changes()
        found = self.round_trip({"a": [server, (server, 1)], "b": {"c": server}})
        for each in (found["a"][0], found["a"][1][0], found["b"]["c"]):
            self.assertEqual(server.as_dict(), each.as_dict())
            self.assertIs(self.context, each._context)
        self.assertIsInstance(found["a"][1], tuple)

    def test_changes_travel(self) -> None:
        server = Server(self.context, id="x", name="n")
        server.obj_reset_changes(["id"])
        self.assertEqual({"name"}, self.round_trip(server).obj_what_changed())

    def test_nested(self) -> None:
        operation = Operation(self.context, id="o", server=Server(self.context, id="x"))
        self.assertEqual("x", self.round_trip(operation).server.id)

    def test_plain_values_are_left_alone(self) -> None:
        for value in (None, 1, "x", b"x", [1, [2]], {"a": {"b": None}}, (1,), True):
            self.assertEqual(value, self.round_trip(value))

    def test_secrets_are_not_shown(self) -> None:
        self.assertIn("user_data=***", repr(Server(id="x", user_data="password")))

    def test_context_keeps_its_ids_and_loses_its_token(self) -> None:
        asked = context.RequestContext(
            user_id="u", project_id="p", auth_token="secret", operation_id="o", overwrite=False
        )
        values = self.serializer.serialize_context(asked)
        self.assertNotIn("secret", repr(values))
        found = self.serializer.deserialize_context(values)
        self.assertEqual(
            ("u", "p", "o", asked.request_id),
            (found.user_id, found.project_id, found.operation_id, found.request_id),
        )


class ReadinessTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.conductor = self.useFixture(Conductor(serve=False))
        self.log = self.useFixture(fixtures.FakeLogger(level=logging.WARNING))

    def test_compute_waits_for_the_conductor_and_then_goes_on(self) -> None:
        self.useFixture(fixtures.MonkeyPatch("mycloud.journal.hooks.PING_SECONDS", 0.2))
        self.useFixture(fixtures.MonkeyPatch("mycloud.journal.hooks.PAUSE_SECONDS", 0.05))
        hooks = ServiceHooks(self.conductor.api)
        with context.role(context.COMPUTE):
            task = concurrency.spawn(hooks.wait_until_ready, context.admin_context())
        self.assertRaises(TimeoutError, task.wait, 0.6)
        self.assertIn("Waiting for the conductor", self.log.output)
        self.conductor.serve(ConductorManager())
        task.wait(20)

    def test_a_service_near_the_database_does_not_wait(self) -> None:
        with context.role(context.SCHEDULER):
            ServiceHooks(self.conductor.api).wait_until_ready(context.admin_context())
        self.assertEqual({}, self.conductor.messages())


class NewerComputeAPI(ComputeAPI):
    """A client of a release that knows more than some compute hosts."""

    version = "1.2"
    understood = {1: "1.0", 3: "1.1", 4: "1.2"}


class OldestServiceTest(testtools.TestCase):
    """What clients send is bounded by the oldest service, asked for once."""

    def setUp(self) -> None:
        super().setUp()
        self.conductor = self.useFixture(Conductor())
        self.ids: list[str] = []
        self.register("host1", 3)
        self.register("host2", 4)
        self.conductor.messages()

    def register(self, host: str, version: int) -> None:
        with context.role(context.API), engine.writer() as conn:
            row = services.register(
                conn,
                {"id": clock.new_id(), "host": host, "binary": "mycloud-compute",
                 "topic": "compute", "epoch": "e", "version": version,
                 "created_at": clock.now()},
            )
            services.update(conn, row["id"], {"version": version})

    def test_asked_once_and_again_after_the_options_were_read_anew(self) -> None:
        api = NewerComputeAPI()
        with context.role(context.COMPUTE):
            self.assertEqual(["1.1", "1.1"], [api.cap, NewerComputeAPI().cap])
            self.assertEqual(ONE_CALL, self.conductor.messages())
            self.register("host1", 4)
            self.assertEqual("1.1", api.cap)
            # what SIGHUP does
            service.Service(ConductorManager(), "test", ServiceHooks(None)).reset()
            self.assertEqual("1.2", api.cap)

    def test_what_is_not_understood_is_not_sent(self) -> None:
        api = NewerComputeAPI()
        with context.role(context.API):
            self.assertEqual([True, True, False],
                             [api.can_send(version) for version in ("1.0", "1.1", "1.2")])
            error = self.assertRaises(
                exceptions.PeerTooOld, api.cast, context.admin_context(), "later",
                version="1.2", host="host1",
            )
        self.assertIn("A compute service is too old for this (later)", str(error))

    def test_without_services_everything_is_sent(self) -> None:
        rpc.forget_oldest()
        with context.role(context.API), engine.writer() as conn:
            for row in services.every(conn):
                services.delete(conn, row["id"])
        with context.role(context.API):
            self.assertEqual("1.2", NewerComputeAPI().cap)

    def test_minimum_version(self) -> None:
        with context.role(context.COMPUTE):
            oldest = Service.minimum_version(context.admin_context(), "mycloud-compute")
        self.assertEqual(3, oldest)
