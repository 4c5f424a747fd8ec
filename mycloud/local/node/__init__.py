"""A machine that joins a cloud elsewhere as a compute host: ``mycloud node join``."""
