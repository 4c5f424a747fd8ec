"""Errors of machines that join the cloud."""

from mycloud.common.exceptions.base import Conflict, Forbidden, Invalid, MycloudError, NotFound


class NodeTokenNotFound(NotFound):
    code = "node_token_not_found"
    template = "Node token %(token_id)s could not be found."


class NodeTokenDamaged(Invalid):
    code = "node_token_damaged"
    template = (
        "The token is damaged: %(reason)s. Copy it whole, in one line, from 'mycloud node token "
        "create'."
    )


class NodeTokenRefused(Forbidden):
    """Says nothing of what was wrong: who guesses shall not learn whether there is a token."""

    code = "node_token_refused"
    template = (
        "The token is not one of this cloud, or was withdrawn; make a new one by 'mycloud node "
        "token create'."
    )


class NodeTokenExpired(Forbidden):
    code = "node_token_expired"
    template = (
        "The token was good until %(expired_at)s UTC; make a new one by 'mycloud node token "
        "create'."
    )


class NodeTokenUsed(Conflict):
    code = "node_token_used"
    template = (
        "The token was used by %(node)s already, and lets only one machine join; make a new one "
        "by 'mycloud node token create'."
    )


class NodeNameTaken(Conflict):
    code = "node_name_taken"
    template = (
        "There is a host named %(name)s in this cloud already; give the machine another name by "
        "--name, or, if that host is gone for good, forget it first by 'mycloud node forget'."
    )


class NodeNotFound(NotFound):
    code = "node_not_found"
    template = "No machine named %(name)s has joined this cloud by a token."


class NodeUnknown(Forbidden):
    """Says nothing of what was wrong, see NodeTokenRefused."""

    code = "node_unknown"
    template = "The signature is not one of a machine of that name in this cloud."


class NodeInUse(Conflict):
    code = "node_in_use"
    template = (
        "There are %(count)s servers on %(name)s; move or delete them first, or say --force to "
        "leave them behind."
    )


class NodesImpossible(Conflict):
    code = "nodes_impossible"
    template = "No other machine can join this cloud: %(reason)s"


class NodeAnswerForged(MycloudError):
    code = "node_answer_forged"
    template = (
        "What answered is not the cloud that the token is of (its answer is not sealed by the "
        "token's secret). Somebody may stand in between, or the token was changed."
    )


class TooManyRefusals(MycloudError):
    status, code = 429, "too_many_refusals"
    template = "Too many requests of this address were refused; try again in a minute."
