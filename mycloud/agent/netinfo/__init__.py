"""What the network of this host is at the moment, as the kernel tells it by netlink.

Nothing here needs root, and nothing changes the host.
"""
