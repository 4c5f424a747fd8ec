"""What the root helper does: every function here that is marked by ``expose``.

A module that is dropped into this package is found when the helper starts.
"""
