"""What everything costs, as ratios inside one run: `make bench`."""

# Proves BillaBear's deliveries.
SECRET = "a-secret-for-the-benchmarks"
