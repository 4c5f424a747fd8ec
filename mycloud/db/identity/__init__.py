"""Query modules of the identity service, one per noun."""
