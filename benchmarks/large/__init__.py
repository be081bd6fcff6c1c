"""Whether everything stays as fast as the tables grow: `make bench-large`."""

# Not an empty table, of which there would be nothing to show, but one that fills each page.
SMALL = 3000
EVENTS = (1_000_000, 5_000_000)
# How many events there shall be, from `python -m benchmarks.large` to the process that measures.
VARIABLE = "BENCH_EVENTS"
