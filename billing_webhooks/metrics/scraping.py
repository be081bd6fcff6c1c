"""All metrics there are: of this process, or of all processes on this host."""

from __future__ import annotations

import os

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from billing_webhooks.metrics.counting import begin_at_zero
from billing_webhooks.metrics.standing import standing

# Where the processes of a host keep their counts; prometheus-client reads it when it is imported.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def registry() -> CollectorRegistry:
    """
    Return what is to be scraped, with the metrics of whatever else uses prometheus-client.

    With PROMETHEUS_MULTIPROC_DIR it is what all processes that share the folder have counted.
    """
    begin_at_zero()
    if FOLDER not in os.environ:
        return REGISTRY
    shared = CollectorRegistry(auto_describe=False)
    MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
    shared.register(standing)
    return shared
