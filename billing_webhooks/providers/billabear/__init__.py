"""BillaBear: unsigned, undated JSON, sent once, proven by a secret in the endpoint's URL."""

from billing_webhooks.providers.billabear.provider import BillaBearProvider

__all__ = ["BillaBearProvider"]
