"""The conductor's side of remotable methods, and its journal sweeper."""

from typing import Any

import oslo_messaging as messaging
from oslo_config import cfg

from mycloud.common import context, exceptions
from mycloud.conductor import expiry, rpcapi, sweeper
from mycloud.conductor.tasks import delete, reach
from mycloud.image import janitor
from mycloud.journal import rpcapi as doorbell
from mycloud.journal.runner import Owner, Runner
from mycloud.objects import base

#: Seconds between two looks for uploads of images whose API process is gone.
_SILENT_UPLOADS_INTERVAL = 60
#: Seconds between two looks for what has expired.
_EXPIRY_INTERVAL = 3600


class ConductorManager:
    """Runs object methods for those that may not touch the database."""

    target = messaging.Target(version=rpcapi.VERSION)
    topic = rpcapi.TOPIC
    binary = "mycloud-conductor"
    role = context.CONDUCTOR

    def __init__(self) -> None:
        self.runner: Runner | None = None

    def init_host(self, owner: Owner) -> None:
        self.runner = Runner(owner, {"server.delete": delete.plan}, doorbell.ring)

    def after_start(self) -> None:
        pass

    def stop(self) -> None:
        if self.runner is not None:
            self.runner.stop()

    def periodic_tasks(self) -> list[Any]:
        return [
            (cfg.CONF.conductor.sweep_interval, sweeper.sweep),
            (_SILENT_UPLOADS_INTERVAL, janitor.end_silent_uploads),
            (_EXPIRY_INTERVAL, expiry.delete_expired),
        ]

    def run_operation(self, context: Any, operation_id: str) -> None:
        assert self.runner is not None
        self.runner.run(context, operation_id)

    def ping(self, context: Any) -> str:
        return "pong"

    def prove_host(self, context: Any, host_name: str, seconds: float) -> dict[str, Any]:
        return reach.prove(context, host_name, seconds)

    def object_class_action_versions(
        self,
        context: Any,
        objname: str,
        objmethod: str,
        object_versions: dict[str, str],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        objclass = base.MycloudObject.obj_class_from_name(objname, object_versions[objname])
        result = _remotable(objclass, objmethod)(context, *args, **kwargs)
        if isinstance(result, base.MycloudObject):
            return result.obj_to_primitive(
                target_version=object_versions[objname], version_manifest=object_versions
            )
        return result

    def object_class_action(
        self,
        context: Any,
        objname: str,
        objmethod: str,
        objver: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        objclass = base.MycloudObject.obj_class_from_name(objname, objver)
        result = _remotable(objclass, objmethod)(context, *args, **kwargs)
        if isinstance(result, base.MycloudObject):
            return result.obj_to_primitive(target_version=objver)
        return result

    def object_action(
        self,
        context: Any,
        objinst: Any,
        objmethod: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> tuple[dict[str, Any], Any]:
        before = objinst.obj_clone()
        result = _remotable(objinst, objmethod)(*args, **kwargs)
        updates = {
            name: field.to_primitive(objinst, name, getattr(objinst, name))
            for name, field in objinst.fields.items()
            if objinst.obj_attr_is_set(name)
            and _differs(before, objinst, name)
        }
        # so that the caller's copy has no changes that are saved already
        updates["obj_what_changed"] = objinst.obj_what_changed()
        return updates, result

    def object_backport_versions(
        self, context: Any, objinst: Any, object_versions: dict[str, str]
    ) -> Any:
        target = object_versions[objinst.obj_name()]
        return objinst.obj_to_primitive(target_version=target, version_manifest=object_versions)

    def object_backport(self, context: Any, objinst: Any, target_version: str) -> Any:
        return objinst.obj_to_primitive(target_version=target_version)


def _differs(before: Any, after: Any, name: str) -> bool:
    return not before.obj_attr_is_set(name) or getattr(before, name) != getattr(after, name)


def _remotable(owner: Any, name: str) -> Any:
    """The method, if it is one that may be called from afar."""
    method = getattr(owner, name, None)
    if not getattr(method, "remotable", False):
        raise exceptions.Invalid(reason=f"{name} is not a remotable method")
    return method
