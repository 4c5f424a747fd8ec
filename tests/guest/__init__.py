"""Tests that run in a guest, as root of a kernel that has what this machine's may not have.

They are no part of what is found on this machine: tests/integration starts them.
"""
