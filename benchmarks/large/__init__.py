"""Whether everything stays as fast as the tables grow: `make bench-large`."""
