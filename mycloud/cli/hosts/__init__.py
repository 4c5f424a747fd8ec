"""``mycloud host``."""
