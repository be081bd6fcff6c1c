"""Receive billing webhooks in Django: proven, stored, ordered, applied once."""

__version__ = "0.1.0"
