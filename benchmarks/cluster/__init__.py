"""A cluster on one machine: hosts come and go while events arrive, and nothing may be lost."""
