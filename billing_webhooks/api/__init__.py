"""The REST API; needs the extra `api`, and nothing in INSTALLED_APPS."""
