"""
Metrics for Prometheus: an app of its own for INSTALLED_APPS; needs the extra `metrics`.

    labels      what a label may be: few values, whatever is sent
    instruments counters and histograms, of each process
    counting    which step in the life of an event moves which of them
    standing    how the inbox stands, asked of the database at a scrape
    scraping    all of it, of this process or of all on this host
"""
