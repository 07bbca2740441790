"""Sync jobs for systems that do not know each other."""

__version__ = "0.1.0"
