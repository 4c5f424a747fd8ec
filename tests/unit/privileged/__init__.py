"""Tests of the root helper's parts."""
