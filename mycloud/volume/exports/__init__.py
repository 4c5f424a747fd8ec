"""How a volume is given to a host: one module per protocol."""
