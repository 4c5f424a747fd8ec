"""Looks for what is wrong with a cloud on this machine; every finding has a remedy."""

from mycloud.local.doctor.examination import Finding, Result, examine

__all__ = ["Finding", "Result", "examine"]
