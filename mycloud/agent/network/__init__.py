"""Networks of the host: what is wanted is checked, planned, made and undone."""
