"""Numbers that hold where nobody gives others."""

#: Seconds to wait for an operation. A guest on an emulated processor may take minutes.
WAIT_TIMEOUT = 600.0
#: Seconds for one HTTP exchange.
HTTP_TIMEOUT = 60.0
#: The limit of a quota that means "none".
UNLIMITED = -1
