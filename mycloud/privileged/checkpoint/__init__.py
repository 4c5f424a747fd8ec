"""A way back while the network of the host is changed.

``keeper`` holds at most one checkpoint: how the host was, kept durably, and a deadline.  Whoever
has armed it commits it in time; else the helper goes back by itself, also after it was killed,
also after the host was restarted.
"""
