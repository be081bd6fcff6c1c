"""What everything costs, as ratios inside one run: `make bench`."""

# Proves BillaBear's deliveries.
SECRET = "a-secret-for-the-benchmarks"
# With it dj-stripe would ask Stripe's API; it is never sent.
STRIPE_KEY = "sk_test_" + "0" * 24
