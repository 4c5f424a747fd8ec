"""A machine joins: its keys are certified, and it is told what a compute host must know."""

import hmac
import ipaddress
from collections.abc import Mapping
from typing import Any

from oslo_db import exception as db_exc

from mycloud.common import clock, exceptions, node_token, pki, pki_requests
from mycloud.compute.requests.nodes import members, options, tokens
from mycloud.db import engine, nodes

Row = Mapping[str, Any]


def join(request: Mapping[str, Any], proof: str) -> str:
    """The sealed answer for a machine that has a token.

    Whatever is refused uses no token up. The same request, made again before the token expires,
    gets the same certificates.

    :param request: ``token_id``, ``name``, ``addresses``, ``requests`` (role -> PKCS #10)
    :raises NodeTokenRefused: :raises NodeTokenExpired: :raises NodeTokenUsed:
    :raises BadField: :raises NodeNameTaken: :raises NodesImpossible:
    """
    secret = tokens.secret_of(request["token_id"])
    if not node_token.proves(secret, request, proof):
        raise exceptions.NodeTokenRefused()
    digest = node_token.request_digest(request)
    row = _usable(request["token_id"], secret, digest)
    authority = tokens.authority()
    told = {"options": options.shared(), "files": options.files()}
    certificates = row["certificates"]
    if row["used_at"] is None:
        certificates = _use(request, digest, _certificates(request, row))
    answer = {
        **told,
        "name": request["name"],
        "certificates": certificates,
        "authority": authority.read_text(),
    }
    return node_token.seal(secret, request, answer)


def _usable(token_id: str, secret: bytes, digest: str) -> Row:
    """The token, if it is unused or was used by the same request."""
    with engine.reader() as conn:
        try:
            row = nodes.token(conn, token_id)
        except exceptions.NodeTokenNotFound as error:
            raise exceptions.NodeTokenRefused() from error
    if not hmac.compare_digest(row["digest"], node_token.digest(secret)):
        raise exceptions.NodeTokenRefused()
    _check_use(row, digest)
    return row


def _check_use(row: Row, digest: str) -> None:
    if row["used_at"] is not None and row["request_digest"] != digest:
        raise exceptions.NodeTokenUsed(node=row["node"])
    if row["expires_at"] <= clock.now():
        raise exceptions.NodeTokenExpired(
            expired_at=row["expires_at"].isoformat(" ", timespec="seconds")
        )


def _certificates(request: Mapping[str, Any], row: Row) -> dict[str, str]:
    """Certificates of the machine's keys."""
    name = request["name"]
    tokens.check_name(name)
    if row["name"] is not None and name != row["name"]:
        raise exceptions.BadField(
            field="name", reason=f"this token lets only {row['name']!r} join"
        )
    for address in request["addresses"]:
        _check_address(address)
    keys = {
        role: pki_requests.key_of(pem, name, f"requests.{role}")
        for role, pem in request["requests"].items()
    }
    if pki_requests.public_pem(keys["server"]) == pki_requests.public_pem(keys["client"]):
        raise exceptions.BadField(
            field="requests", reason="server and client must have keys of their own"
        )
    made = pki.certify(pki.authority_dir(), name, keys, request["addresses"])
    return {role: pem.decode() for role, pem in made.items()}


def _check_address(text: str) -> None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise exceptions.BadField(
            field="addresses", reason=f"{text!r} is no IP address"
        ) from error
    if address.is_unspecified or address.is_multicast:
        raise exceptions.BadField(
            field="addresses", reason=f"{text} is no address of one machine"
        )


@engine.retried
def _use(
    request: Mapping[str, Any], digest: str, certificates: dict[str, str]
) -> dict[str, str]:
    """Use the token up; the certificates that count: those of a request that was quicker, if it
    is the same one."""
    now, name = clock.now(), request["name"]
    used = {
        "used_at": now, "node": name, "request_digest": digest, "certificates": certificates,
        "updated_at": now,
    }
    client = pki_requests.key_of(request["requests"]["client"], name, "requests.client")
    public = pki_requests.public_pem(client)
    node = {
        "public_key": public, "token_id": request["token_id"],
        "addresses": list(request["addresses"]), "left_at": None, "created_at": now,
        "updated_at": now,
    }
    try:
        with engine.writer() as conn:
            if nodes.use_token(conn, request["token_id"], used):
                before = nodes.get(conn, name)
                _check_new(before, public, taken=nodes.bears_services(conn, name), name=name)
                if not nodes.put(conn, name, node, before=before):
                    raise exceptions.NodeNameTaken(name=name)
                members.come_back(conn, name, now)
                return certificates
            row = nodes.token(conn, request["token_id"])
    except db_exc.DBDuplicateEntry as error:
        raise exceptions.NodeNameTaken(name=name) from error
    except exceptions.NodeTokenNotFound as error:
        raise exceptions.NodeTokenRefused() from error
    _check_use(row, digest)
    earlier: dict[str, str] = row["certificates"]
    return earlier


def _check_new(before: Row | None, public: str, *, taken: bool, name: str) -> None:
    """A name is free when nobody has it, when its machine has left, or for the same machine."""
    if before is None:
        free = not taken
    else:
        free = before["left_at"] is not None or before["public_key"] == public
    if not free:
        raise exceptions.NodeNameTaken(name=name)
