"""A month in the life of a small company that sells through both providers."""
