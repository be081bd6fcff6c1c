"""The app on a database of its own, beside the one with the users."""
