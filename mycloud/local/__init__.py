"""A cloud on this machine: starting, stopping, looking after it (``mycloud up`` and its kin)."""
