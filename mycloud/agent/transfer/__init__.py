"""Files of one host for another: each ticket lets one transfer through the agent's port."""
