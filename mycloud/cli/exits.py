"""Exit statuses, and which error leads to which."""

from mycloud.client import errors

DONE = 0
FAILED = 1
USAGE = 2
UNREACHABLE = 3
TIMED_OUT = 4
INTERRUPTED = 130
BROKEN_PIPE = 141

EXPLANATION = """exit status:
  0    done
  1    the cloud refused, or what was waited for failed
  2    wrong usage: the command line, clouds.yaml or a local file
  3    the cloud can't be reached, or doesn't let you in
  4    --wait ran out of time; the cloud goes on
  130  interrupted
"""


class UsageError(errors.ClientError):
    """What the person gave can't be used; the message names it and the remedy."""


_BY_TYPE: tuple[tuple[type[errors.ClientError], int], ...] = (
    (UsageError, USAGE),
    (errors.ConfigError, USAGE),
    (errors.CloudUnreachable, UNREACHABLE),
    (errors.Unauthorized, UNREACHABLE),
    (errors.Unavailable, UNREACHABLE),
    (errors.WaitTimeout, TIMED_OUT),
)


def status_of(error: errors.ClientError) -> int:
    """The exit status that tells this error to a script."""
    return next((status for kind, status in _BY_TYPE if isinstance(error, kind)), FAILED)


def describe(error: errors.ClientError) -> str:
    """The error in one line, with where to look further if there is somewhere."""
    text = " ".join(str(error).split())
    if isinstance(error, errors.OperationFailed):
        return f"{text} (all steps: mycloud why {error.operation.id})"
    if isinstance(error, errors.ApiError):
        if error.operation_id:
            return f"{text} (see: mycloud why {error.operation_id})"
        if isinstance(error, errors.ServerFault) and error.request_id:
            return f"{text} (request {error.request_id})"
    return text
