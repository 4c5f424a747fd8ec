"""What the root helper knows of the host's links, addresses, routes and name servers.

``model`` says how a host is or shall be, ``difference`` how to get from one to the other,
``kernel`` asks and tells the kernel.  The agent plans with the same ``model`` and ``difference``.
"""
