"""Counters and histograms, of this process; all names begin with `billing_webhooks_`."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

NAMESPACE = "billing_webhooks"

# Up to what a request, a queue and a sender who tries again for days may take, in seconds.
REQUEST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
QUEUE = (0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)
RETRIES = (*QUEUE, 259200)
RECEIVER = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(name, text, labels, namespace=NAMESPACE)


def _histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(name, text, labels, namespace=NAMESPACE, buckets=buckets)


received = _counter("received", "New events that were stored.", "provider", "type")
repeated = _counter("repeated", "Deliveries of an event that was there already.", "provider")
contradicted = _counter(
    "contradicted", "Deliveries that say other things than the event of the same id.", "provider"
)
quarantined = _counter("quarantined", "Proven deliveries that are no readable event.", "provider")
refused = _counter("refused", "Deliveries of which nothing was stored.", "provider", "reason")
accept_seconds = _histogram(
    "accept_seconds", "From a delivery's body to its commit.", REQUEST, "provider"
)
attempts = _counter("attempts", "Attempts at events that have ended.", "provider", "result")
processed = _counter("processed", "Events that were worked off.", "provider", "type", "outcome")
dead = _counter("dead", "Events that were given up.", "provider")
since_occurred = _histogram(
    "since_occurred_seconds", "From when an event happened to its end.", RETRIES, "provider"
)
since_received = _histogram(
    "since_received_seconds", "From an event's arrival to its end.", QUEUE, "provider"
)
receiver_seconds = _histogram(
    "receiver_seconds", "What a receiver took, if it succeeded or not.", RECEIVER, "receiver"
)
receiver_failures = _counter(
    "receiver_failures", "Calls of a receiver that failed.", "receiver", "reason"
)
key_set_fetches = _counter(
    "key_set_fetches", "Fetches of a provider's public keys.", "provider", "result"
)
