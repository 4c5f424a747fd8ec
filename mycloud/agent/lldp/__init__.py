"""Which ports of which switches the host's NICs are plugged into (IEEE 802.1AB)."""
