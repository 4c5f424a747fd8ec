"""Figures of a host and of the guests on it: the last sample, and rates since the one before."""
