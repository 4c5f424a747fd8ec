"""HTTP/1.1 on the agent's port, as far as the agent needs it: small, bounded, no framework."""
