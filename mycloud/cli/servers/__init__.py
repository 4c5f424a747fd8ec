"""``mycloud server``."""
