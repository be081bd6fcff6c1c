"""How everything stands, on one page: what comes in, what becomes of it, and what fails."""

from billing_webhooks.overview.gathering import AliasOverview, Keys, Overview, overview

__all__ = ["AliasOverview", "Keys", "Overview", "overview"]
