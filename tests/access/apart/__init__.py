"""A project whose users have keys of another kind, and live in another database."""
