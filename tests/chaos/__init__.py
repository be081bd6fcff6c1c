"""The crash tests: real processes, killed at random while events arrive."""

# Proves BillaBear's deliveries.
SECRET = "a-secret-for-the-chaos"
