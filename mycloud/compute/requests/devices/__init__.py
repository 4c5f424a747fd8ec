"""The disks of a new server: what is asked for is checked, then written with its volumes."""
