"""What fits this package to others, each an extra; nothing here is imported unless you do."""
