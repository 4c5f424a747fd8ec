"""What the root helper raises, as errors of the domain: these travel to whoever asked."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from mycloud.common import exceptions
from mycloud.privileged import errors

_MEANINGS: tuple[tuple[type[errors.PrivilegedError], type[exceptions.MycloudError]], ...] = (
    (errors.HelperUnavailable, exceptions.RootHelperUnavailable),
    (errors.Refused, exceptions.RootHelperRefused),
)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """:raises MycloudError: in place of what the root helper raised in the block"""
    try:
        yield
    except errors.PrivilegedError as error:
        meaning = next(
            (to for known, to in _MEANINGS if isinstance(error, known)),
            exceptions.RootHelperFailed,
        )
        raise meaning(reason=error.message, helper_code=error.code) from error
