"""Changes of flavors."""

from typing import Any

from mycloud.common import clock, exceptions
from mycloud.common.context import RequestContext
from mycloud.compute.requests import projects
from mycloud.db import engine, flavors
from mycloud.db.flavors import Row


@engine.retried
def create(values: dict[str, Any]) -> Row:
    """``values``: columns of the flavor; without a flavorid it gets a new one.

    :raises FlavorExists:
    """
    named = {**values, "flavorid": values.get("flavorid") or clock.new_id()}
    with engine.writer() as conn:
        return flavors.insert(conn, named)


@engine.retried
def describe(context: RequestContext, flavor_id: str, description: str | None) -> Row:
    """:raises FlavorNotFound:"""
    with engine.writer() as conn:
        flavor = flavors.get(conn, context, flavor_id)
        flavors.update(conn, flavor["id"], {"description": description})
        return flavors.get(conn, context, flavor_id)


@engine.retried
def delete(context: RequestContext, flavor_id: str) -> None:
    """Servers keep their copy of it.

    :raises FlavorNotFound:
    """
    with engine.writer() as conn:
        flavors.delete(conn, flavors.get(conn, context, flavor_id, lock=True)["id"])


@engine.retried
def set_extra_specs(context: RequestContext, flavor_id: str, items: dict[str, str]) -> None:
    """Add these, or change them; the others stay.

    :raises FlavorNotFound:
    """
    with engine.writer() as conn:
        flavor = flavors.get(conn, context, flavor_id, lock=True)
        flavors.update(
            conn, flavor["id"], {"extra_specs": {**flavor["extra_specs"], **items}}
        )


@engine.retried
def unset_extra_spec(context: RequestContext, flavor_id: str, key: str) -> None:
    """:raises FlavorNotFound: :raises FlavorExtraSpecNotFound:"""
    with engine.writer() as conn:
        flavor = flavors.get(conn, context, flavor_id, lock=True)
        kept = {name: value for name, value in flavor["extra_specs"].items() if name != key}
        if len(kept) == len(flavor["extra_specs"]):
            raise exceptions.FlavorExtraSpecNotFound(flavor_id=flavor_id, key=key)
        flavors.update(conn, flavor["id"], {"extra_specs": kept})


def projects_of(context: RequestContext, flavor_id: str) -> list[str]:
    """The projects that may use a private flavor.

    :raises FlavorNotFound: :raises NotFound: for a public flavor, which has no such list
    """
    with engine.reader() as conn:
        flavor = flavors.get(conn, context, flavor_id)
        if flavor["is_public"]:
            raise exceptions.NotFound("Access list not available for public flavors.")
        return flavors.projects_of(conn, flavor["id"])


@engine.retried
def grant(context: RequestContext, flavor_id: str, project_id: str) -> list[str]:
    """Let a project use a private flavor; returns all that may.

    :raises FlavorNotFound: :raises FlavorAccessExists:
    :raises Conflict: for a public flavor
    :raises Invalid: when there is no such project
    """
    with engine.writer() as conn:
        projects.verify(conn, project_id)
        flavor = flavors.get(conn, context, flavor_id, lock=True)
        if flavor["is_public"]:
            raise exceptions.Conflict("Can not add access to a public flavor.")
        flavors.grant(conn, flavor, project_id)
        return flavors.projects_of(conn, flavor["id"])


@engine.retried
def revoke(context: RequestContext, flavor_id: str, project_id: str) -> list[str]:
    """Take a private flavor from a project; returns all that keep it.

    :raises FlavorNotFound: :raises FlavorAccessNotFound:
    """
    with engine.writer() as conn:
        flavor = flavors.get(conn, context, flavor_id, lock=True)
        flavors.revoke(conn, flavor, project_id)
        return flavors.projects_of(conn, flavor["id"])

