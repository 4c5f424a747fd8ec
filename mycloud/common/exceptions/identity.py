"""Errors of identities and their tokens."""

from mycloud.common.exceptions.base import Conflict, Forbidden, NotAuthenticated, NotFound


class LoginFailed(NotAuthenticated):
    """Says nothing of what was wrong: who guesses shall not learn whether a user exists."""

    code = "login_failed"


class TokenInvalid(NotAuthenticated):
    code = "token_invalid"
    template = "The token is not valid: it has expired or was revoked. Log in again."


class TokenNotFound(NotFound):
    code = "token_not_found"
    template = "The token in X-Subject-Token could not be found."


class IdentityNotFound(NotFound):
    """A domain, project, user, group, role ... that isn't there, or not for this caller."""

    code = "identity_not_found"
    template = "Could not find %(noun)s: %(id)s."


class NameTaken(Conflict):
    code = "name_taken"
    template = "There is a %(noun)s named '%(name)s' already; choose another name."


class StillInUse(Forbidden):
    code = "still_in_use"
    template = "Cannot delete %(noun)s %(id)s: %(reason)s"
