"""Machines that join the cloud as compute hosts, and leave it."""
