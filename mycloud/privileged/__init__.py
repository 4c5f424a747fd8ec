"""The root helper: the only part of mycloud that runs as root.

It stands alone: the standard library and itself.
"""
