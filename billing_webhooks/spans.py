"""
How spans of OpenTelemetry are begun, told of and ended, without harm to what they are about.

A sampler, a processor, an exporter is the project's own. One that raises costs the span, and
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING

from billing_webhooks.exceptions import CannotStoreNow, CannotVerifyNow, Refused
from billing_webhooks.harmless import Harmless

try:
    from opentelemetry import context, trace
    from opentelemetry.trace.propagation import tracecontext
except ImportError:
    tracer = None
else:
    # Whatever the project sets up behind it, before or after, it finds.
    tracer = trace.get_tracer("billing_webhooks")

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanContext, Tracer

NOTHING: AbstractContextManager[None] = nullcontext()
# As many as the SDK keeps by default.
MAX_LINKS = 128
# What else is refused is the sender's doing.
OUR_REFUSALS = (CannotStoreNow, CannotVerifyNow)
WHAT = "A span"


def span(
    name: str,
    kind: str,
    tell: Callable[[Span], None] = lambda span: None,
    parent: str = "",
    links: Iterable[str] = (),
) -> AbstractContextManager[None]:
    """
    Return a span to be the current one; `parent` and `links` are contexts as events have them.

    What it is about is told when it ends, and only if it is recorded.
    """
    return NOTHING if tracer is None else _Spanning(tracer, name, kind, tell, parent, links)


def tell_current(tell: Callable[[Span], None]) -> None:
    """Tell something of the current span, if anybody will see it."""
    if tracer is None:
        return
    with Harmless(WHAT):
        current = trace.get_current_span()
        if current.is_recording():
            tell(current)


def tell_failure(error: Exception) -> None:
    """Tell on the current span with which class of error something failed."""
    tell_current(lambda current: _fail(current, error))


def traceparent() -> str:
    """Return the current context, as W3C Trace Context writes it; "" if there is none."""
    carrier: dict[str, str] = {}
    if tracer is not None:
        with Harmless(WHAT):
            tracecontext.TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent", "")


class _Spanning(AbstractContextManager[None]):
    """A span, from its beginning to its end."""

    def __init__(
        self,
        tracer: Tracer,
        name: str,
        kind: str,
        tell: Callable[[Span], None],
        parent: str,
        links: Iterable[str],
    ) -> None:
        self._tracer, self._name, self._kind, self._tell = tracer, name, kind, tell
        self._parent, self._links = parent, links
        self._begun: tuple[Span, Token[Context]] | None = None

    def __enter__(self) -> None:
        with Harmless(WHAT):
            here = trace.get_current_span().get_span_context()
            origin = _parsed(self._parent)
            span = self._start(here, origin)
            if span.get_span_context().is_valid:
                self._begun = span, context.attach(trace.set_span_in_context(span))
            # Else there is nobody behind the API.
            if span.is_recording():
                _link(span, here, origin, self._links)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._begun is None:
            return
        span, token = self._begun
        with Harmless(WHAT):
            context.detach(token)
            if span.is_recording():
                if isinstance(error, Exception):
                    # By us, because its message and its traceback may hold anything.
                    _fail(span, error)
                self._tell(span)
        with Harmless(WHAT):
            span.end()

    def _start(self, here: SpanContext, origin: SpanContext) -> Span:
        within = None
        if origin.is_valid:
            within = trace.set_span_in_context(trace.NonRecordingSpan(origin))
        with Harmless(WHAT):
            kind = trace.SpanKind[self._kind]
            return self._tracer.start_span(self._name, context=within, kind=kind)
        # What is told of this one must not be told of the one around it.
        return trace.NonRecordingSpan(origin if origin.is_valid else here)


def _link(span: Span, here: SpanContext, origin: SpanContext, links: Iterable[str]) -> None:
    for each in islice(links, MAX_LINKS):
        if (linked := _parsed(each)).is_valid:
            span.add_link(linked)
    # What goes on here is lost to the trace of somebody else's event otherwise.
    if origin.is_valid and here.is_valid and here.trace_id != origin.trace_id:
        span.add_link(here)


def _fail(span: Span, error: Exception) -> None:
    name = type(error).__qualname__
    span.set_attribute("error.type", name)
    if isinstance(error, Refused):
        span.set_attribute("billing_webhooks.refused", error.reason)
    if not isinstance(error, Refused) or isinstance(error, OUR_REFUSALS):
        span.add_event("exception", {"exception.type": f"{type(error).__module__}.{name}"})
        set_error(span, name)


def set_error(span: Span, why: str) -> None:
    """Mark a span as one that failed."""
    span.set_status(trace.StatusCode.ERROR, why)


def _parsed(traceparent: str) -> SpanContext:
    """Return a stored context, an invalid one for "" and whatever is none."""
    if not traceparent:
        return trace.INVALID_SPAN_CONTEXT
    found = tracecontext.TraceContextTextMapPropagator().extract({"traceparent": traceparent})
    return trace.get_current_span(found).get_span_context()
