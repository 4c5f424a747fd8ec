"""Who asks (the request context) and in which role this code runs.

The role decides on which side of the conductor a remotable call is: a service's RPC dispatcher
and its periodic loop set it, ``concurrency.spawn`` carries it on. No role at all may not touch
the database.
"""

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any

from oslo_context import context as oslo_context

from mycloud.common import clock

API = "api"
CONDUCTOR = "conductor"
SCHEDULER = "scheduler"
VOLUME = "volume"
NETWORK = "network"
COMPUTE = "compute"
MANAGE = "manage"

#: Roles whose code may open a database transaction.
DATABASE_ROLES = frozenset({API, CONDUCTOR, SCHEDULER, MANAGE})

_role: contextvars.ContextVar[str | None] = contextvars.ContextVar("mycloud_role", default=None)


def current_role() -> str | None:
    return _role.get()


def set_role(name: str | None) -> None:
    """Set the role for the rest of this thread's life (programs with one role)."""
    _role.set(name)


@contextlib.contextmanager
def role(name: str | None) -> Iterator[None]:
    """Run the block in that service role."""
    token = _role.set(name)
    try:
        yield
    finally:
        _role.reset(token)


class RequestContext(oslo_context.RequestContext):
    """The credentials and ids that travel with a request, over RPC too."""

    #: ``%(operation_id)s`` in log formats
    def __init__(self, operation_id: str | None = None, **kwargs: Any):
        kwargs.setdefault("request_id", clock.new_request_id())
        super().__init__(**kwargs)
        self.operation_id = operation_id

    def to_dict(self) -> dict[str, Any]:
        values: dict[str, Any] = super().to_dict()
        values["operation_id"] = self.operation_id
        # a token is a secret that RPC peers have no use for
        values["auth_token"] = None
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any], **kwargs: Any) -> "RequestContext":
        context: RequestContext = super().from_dict(values, **kwargs)
        context.operation_id = values.get("operation_id")
        return context

    def get_logging_values(self) -> dict[str, Any]:
        values: dict[str, Any] = super().get_logging_values()
        values["operation_id"] = self.operation_id or "-"
        return values

    def elevated(self) -> "RequestContext":
        """The same request with an administrator's rights."""
        values = self.to_dict()
        values["is_admin"] = True
        values["roles"] = sorted({*(self.roles or ()), "admin", "member", "reader"})
        return type(self).from_dict(values, overwrite=False)


def admin_context() -> RequestContext:
    """A context for work that nobody asked for: periodic tasks, start-up."""
    return RequestContext(
        is_admin=True, roles=["admin", "member", "reader"], system_scope="all", overwrite=False
    )
