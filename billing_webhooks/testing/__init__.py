"""
What a project's own tests and demonstrations need: genuine deliveries.

`KindeIssuer` signs events and serves its key set over HTTP as a tenant does;
`billabear_body` writes the bytes that BillaBear sends.
"""

from billing_webhooks.testing.billabear import billabear_body
from billing_webhooks.testing.kinde import KindeIssuer, kinde_event

__all__ = ["KindeIssuer", "billabear_body", "kinde_event"]
