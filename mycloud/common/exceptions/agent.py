"""Errors of the host agent: its verbs, its tasks, its hooks."""

from mycloud.common.exceptions.base import Conflict, Forbidden, MycloudError, NotFound, Unavailable


class VerbBroken(MycloudError):
    """What is wrong with the code of a verb; the agent does not start with it."""

    code = "verb_broken"
    template = "The verb %(verb)s of the host agent: %(reason)s."


class VerbNotFound(NotFound):
    code = "verb_not_found"
    template = (
        "The host agent has no verb %(verb)s; 'mycloud-compute --list-verbs' lists what it has."
    )


class VerbNotAllowed(Forbidden):
    code = "verb_not_allowed"
    template = "%(verb)s %(why)s: %(reason)s."


class VerbTimedOut(MycloudError):
    status, code = 504, "verb_timed_out"
    template = (
        "%(verb)s has not ended after %(seconds)g s; it may still end, look before you try again."
    )


class VerbFailed(MycloudError):
    code = "verb_failed"
    template = "%(verb)s has a fault of its own; the log of the host has more."


class TooManyTasks(Unavailable):
    code = "too_many_tasks"
    template = "The host has %(count)s tasks waiting already; try again in a moment."


class HookRefused(Conflict):
    code = "hook_refused"
    template = "The hook %(hook)s of the host refuses it: %(reason)s"


class TicketInvalid(NotFound):
    code = "ticket_invalid"
    template = "There is no such transfer, or it is over; ask for a new ticket."


class TicketOfAnother(Forbidden):
    code = "ticket_of_another"
    template = "The transfer is for host %(peer)s, and the certificate is another one's."


class TicketNeedsTls(Forbidden):
    code = "ticket_needs_tls"
    template = "Files go to other machines in TLS only; set [agent]tls on the host."


class TransferDamaged(MycloudError):
    status, code = 422, "transfer_damaged"
    template = "The file came over damaged: its sha256 is another; send it again."


class RootHelperUnavailable(Unavailable):
    code = "root_helper_unavailable"
    template = "The root helper of the host does not answer: %(reason)s"


class RootHelperRefused(Conflict):
    code = "root_helper_refused"
    template = "The root helper of the host refuses it: %(reason)s"


class RootHelperFailed(MycloudError):
    code = "root_helper_failed"
    template = "The root helper of the host has failed: %(reason)s"


class LogNotFound(NotFound):
    code = "log_not_found"
    template = "The host has no log %(name)s; it may have been rotated away."


class LogUnreadable(Forbidden):
    code = "log_unreadable"
    template = (
        "The log %(name)s can't be read by the user of the compute service: %(reason)s. Read it "
        "as root on the host, or give that user's group the right to."
    )
