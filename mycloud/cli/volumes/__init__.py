"""``mycloud volume``."""
