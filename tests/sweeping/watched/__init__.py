"""A project whose receiver takes its time, for the command to be stopped in the middle."""
