"""The request by which a machine joins, and what is made of the answer.

The private keys are made here and stay here. The request is kept until the machine has joined: its
answer may be lost, and only the very same request gets it again.
"""

import json
from pathlib import Path
from typing import Any

from mycloud.common import exceptions, node_token, pki, pki_requests, secret_files
from mycloud.common.node_token import NodeToken
from mycloud.local.layout import Layout
from mycloud.local.node.cloud import Cloud
from mycloud.local.node.record import Wanted
from mycloud.local.settings import LocalError

_KEYS = {"server": pki.SERVER_KEY, "client": pki.CLIENT_KEY}


def _file(layout: Layout) -> Path:
    return layout.state / "join.json"


def ask(layout: Layout, token: NodeToken, wanted: Wanted, cloud: Cloud) -> dict[str, Any]:
    """What the cloud tells this machine.

    :raises CloudRefuses: :raises LocalError: no answer, or one that is forged
    """
    words = _words(layout, token, wanted)
    proof = node_token.proof(token.secret, words)
    document = cloud.post("/node_join", {"node_join": {**words, "proof": proof}})
    try:
        told = node_token.unseal(token.secret, words, document["node_join"]["sealed"])
        _check(token, wanted, told)
    except exceptions.MycloudError as error:
        raise LocalError(error.message) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise LocalError(f"The cloud's answer lacks {error}; is it of another version?") from error
    return told


def _words(layout: Layout, token: NodeToken, wanted: Wanted) -> dict[str, Any]:
    """The request; the one that was made before, if it is for the same."""
    same = {"token_id": token.id, "name": wanted.name, "addresses": [wanted.address]}
    kept = _kept(layout)
    if {name: kept.get(name) for name in same} == same:
        return kept
    layout.certificates.mkdir(mode=0o700, exist_ok=True)
    requests = {}
    for role, name in _KEYS.items():
        key = pki.new_key()
        secret_files.write(layout.certificates / name, pki.key_pem(key))
        requests[role] = pki_requests.make(wanted.name, key)
    words = {**same, "requests": requests}
    secret_files.write(_file(layout), json.dumps(words))
    return words


def _kept(layout: Layout) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(_file(layout).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _check(token: NodeToken, wanted: Wanted, told: dict[str, Any]) -> None:
    if pki.fingerprint(told["authority"].encode()) != token.authority:
        raise exceptions.NodeAnswerForged()
    if told["name"] != wanted.name:
        raise LocalError(f"The cloud calls this machine {told['name']!r}")
    for part in ("options", "files", "certificates"):
        told[part]


def install(layout: Layout, told: dict[str, Any]) -> None:
    """Write the certificates."""
    certificates = {role: pem.encode() for role, pem in told["certificates"].items()}
    for name, content in pki.bundle_files(certificates, told["authority"].encode()).items():
        secret_files.write(layout.certificates / name, content)


def forget(layout: Layout) -> None:
    """The machine has joined: the request is not needed any more."""
    _file(layout).unlink(missing_ok=True)
