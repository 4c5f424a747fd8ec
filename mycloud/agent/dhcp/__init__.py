"""Leases of the host's networks: told by DHCP clients, or seen in the kernel."""
