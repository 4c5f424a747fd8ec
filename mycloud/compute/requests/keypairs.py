"""Creating and deleting key pairs."""

from oslo_config import cfg

from mycloud.common import concurrency
from mycloud.common.context import RequestContext
from mycloud.compute import ssh_keys
from mycloud.compute.requests import quotas
from mycloud.db import engine, keypairs
from mycloud.db.keypairs import Row

SSH = "ssh"


def import_key(context: RequestContext, user_id: str, name: str, public_key: str) -> Row:
    """Keep a public key that the user has made.

    :raises BadField: when it is no public key
    :raises KeypairExists: :raises QuotaExceeded:
    """
    return _keep(context, user_id, name, public_key)


def generate(context: RequestContext, user_id: str, name: str) -> tuple[Row, str]:
    """Make a pair; the second value is its private half, which is kept nowhere.

    :raises KeypairExists: :raises QuotaExceeded:
    """
    pair = concurrency.run_native(ssh_keys.generate, cfg.CONF.compute.generated_key_type)
    return _keep(context, user_id, name, pair.public_key), pair.private_key


@engine.retried
def _keep(context: RequestContext, user_id: str, name: str, public_key: str) -> Row:
    values = {
        "user_id": user_id,
        "name": name,
        "type": SSH,
        "public_key": public_key,
        "fingerprint": ssh_keys.fingerprint(public_key),
    }
    with engine.writer() as conn:
        quotas.check_keypairs(conn, context.project_id, user_id)
        return keypairs.insert(conn, values)


@engine.retried
def delete(user_id: str, name: str) -> None:
    """Servers keep their copy of the public key.

    :raises KeypairNotFound:
    """
    with engine.writer() as conn:
        keypairs.delete(conn, user_id, name)
