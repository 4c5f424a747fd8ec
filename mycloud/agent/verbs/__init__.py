"""What the host agent answers: every function here that is marked by ``registry.verb``."""
