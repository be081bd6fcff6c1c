"""Kinde: every delivery is one JWT, signed with a key of the tenant's key set."""

from billing_webhooks.providers.kinde.provider import KindeProvider

__all__ = ["KindeProvider"]
