"""Whether events still come, are worked off, and can be proven: for programs and for people."""

from billing_webhooks.vitals.health import AliasHealth, Health, Problem
from billing_webhooks.vitals.measuring import health, measured

__all__ = ["AliasHealth", "Health", "Problem", "health", "measured"]
