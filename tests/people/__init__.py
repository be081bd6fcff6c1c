"""A project whose users are of its own kind, and perhaps in another database than the billing."""
