"""Who may use what, and why."""
