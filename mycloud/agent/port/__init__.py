"""The agent's port: several protocols behind one listening socket, plain or in TLS."""
