"""Receive the billing webhooks of Kinde and BillaBear in Django."""

__version__ = "0.1.0"
