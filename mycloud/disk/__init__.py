"""Disks and images on a host, for every service that has to do with them; no database, no API."""
