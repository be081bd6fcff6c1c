"""Spans that were recorded, and how they hang together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Sampler
from opentelemetry.trace import NoOpTracerProvider, Tracer


class Replaceable(trace.TracerProvider):
    """
    The one provider that a process may have; behind it each test puts one of its own.

    Between two tests nobody is behind the API.
    """

    def __init__(self) -> None:
        self.behind: trace.TracerProvider = NoOpTracerProvider()

    def put(self, provider: trace.TracerProvider) -> None:
        self.behind = provider

    def get_tracer(self, *args: Any, **kwargs: Any) -> Tracer:
        return _Forwarding(self, args, kwargs)


class _Forwarding(Tracer):
    def __init__(self, provider: Replaceable, args: Any, kwargs: Any) -> None:
        self._provider, self._args, self._kwargs = provider, args, kwargs

    def _tracer(self) -> Tracer:
        return self._provider.behind.get_tracer(*self._args, **self._kwargs)

    def start_span(self, *args: Any, **kwargs: Any) -> trace.Span:
        return self._tracer().start_span(*args, **kwargs)

    # What the API has made a manager and a decorator in one.
    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
        return self._tracer().start_as_current_span(*args, **kwargs)


PROVIDER = Replaceable()
trace.set_tracer_provider(PROVIDER)


class Spans:
    """What is recorded from now on, in the order in which it ended."""

    def __init__(self, *others: SpanProcessor, sampler: Sampler = DEFAULT_ON, **how: Any) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(sampler=sampler, shutdown_on_exit=False, **how)
        for processor in (SimpleSpanProcessor(self._exporter), *others):
            self.provider.add_span_processor(processor)
        PROVIDER.put(self.provider)
        self.project = trace.get_tracer("project")

    def end(self) -> None:
        """Let nobody be behind the API any more."""
        PROVIDER.put(NoOpTracerProvider())
        self.provider.shutdown()

    @property
    def all(self) -> Sequence[ReadableSpan]:
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.all if span.name == f"webhook.{name}"]

    def one(self, name: str) -> ReadableSpan:
        [span] = self.named(name)
        return span

    def edges(self) -> list[tuple[str, str]]:
        """Return the names of each span's parent and of itself, in the order of their beginning."""
        names = {key_of(span.context): span.name for span in self.all}
        return [
            (names.get(key_of(span.parent), ""), span.name)
            for span in sorted(self.all, key=lambda span: span.start_time or 0)
        ]

    def text(self) -> str:
        return "".join(span.to_json() for span in self.all)


def key_of(context: trace.SpanContext | None) -> str:
    """Return a context as an event has it, "" for none."""
    if context is None:
        return ""
    ids = f"{trace.format_trace_id(context.trace_id)}-{trace.format_span_id(context.span_id)}"
    return f"00-{ids}-{context.trace_flags:02x}"


def links_of(span: ReadableSpan) -> list[str]:
    return [key_of(link.context) for link in span.links]


def trace_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.trace_id)


def told(span: ReadableSpan, *names: str) -> list[object]:
    """Return these of a span's attributes; None for one that it has not."""
    return [(span.attributes or {}).get(name) for name in names]
