"""POST /volumes/{id}/action: the actions that bring a volume elsewhere or give it another type."""

from mycloud.api import wsgi
from mycloud.api.volume import fields
from mycloud.api.volume.volumes import schemas
from mycloud.api.volume.volumes.actions import action
from mycloud.common import exceptions
from mycloud.volume.requests import migrate as requests
from mycloud.volume.requests import volumes

_HOST = {"type": "string", "minLength": 1, "maxLength": 255}
_FLAG = {"anyOf": [fields.BOOLEAN, {"type": "null"}]}
_MIGRATE = schemas.of(
    {"host": _HOST, "force_host_copy": _FLAG, "lock_volume": _FLAG}, "host"
)
#: Where volume services share what they serve they are a cluster; here none do.
_MIGRATE_CLUSTER = schemas.of(
    {
        "host": {**_HOST, "type": ["string", "null"]},
        "cluster": {"type": ["string", "null"], "maxLength": 255},
        "force_host_copy": _FLAG,
        "lock_volume": _FLAG,
    }
)
_RETYPE = schemas.of(
    {
        "new_type": {"type": "string", "minLength": 1, "maxLength": 255},
        "migration_policy": {"enum": [*requests.POLICIES, None]},
    },
    "new_type",
)
_COMPLETION = schemas.of(
    {"new_volume": {"type": "string", "format": "uuid", "maxLength": 36}, "error": _FLAG},
    "new_volume",
)


def migrate(request: wsgi.Request) -> None:
    wanted = request.json_body["os-migrate_volume"]
    host = wanted.get("host")
    if not host or wanted.get("cluster"):
        raise exceptions.BadField(
            field="host", reason="name a host: there are no clusters of volume services here"
        )
    volume = volumes.get(request.context, request.args["volume_id"])
    # the bytes are copied by hosts in any case
    wish = requests.Wish(host, lock=fields.truth(wanted.get("lock_volume") or False))
    request.note_operation(
        requests.migrate(request.context, volume, wish, key=request.idempotency_key)
    )


def complete(request: wsgi.Request) -> None:
    volume = volumes.get(request.context, request.args["volume_id"])
    raise exceptions.InvalidVolume(
        reason=f"volume {volume['id']} waits for nobody to complete its migration: whoever moves "
        "a volume here completes that by itself."
    )


def retype(request: wsgi.Request) -> None:
    wanted = request.json_body["os-retype"]
    volume = volumes.get(request.context, request.args["volume_id"])
    policy = wanted.get("migration_policy") or requests.NEVER
    request.note_operation(
        requests.retype(
            request.context, volume, wanted["new_type"], policy, key=request.idempotency_key
        )
    )


ROWS = [
    action("os-migrate_volume", migrate, "migrate", _MIGRATE, versions=("", "3.15")),
    action("os-migrate_volume", migrate, "migrate", _MIGRATE_CLUSTER, versions=("3.16", "")),
    action("os-migrate_volume_completion", complete, "migrate", _COMPLETION, status=200),
    action("os-retype", retype, "retype", _RETYPE),
]
