"""The Celery app of a project that records its spans, those of tasks among them, in a file."""

from __future__ import annotations

from typing import Any

from celery.signals import task_postrun, task_prerun
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from tests.celery_engine.project import SIGNS, app

__all__ = ["app"]


def line(span: ReadableSpan) -> str:
    return f"{span.to_json(indent=None)}\n"


out = (SIGNS / "spans").open("a")
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=out, formatter=line)))
trace.set_tracer_provider(provider)

tracer = trace.get_tracer("project")
running: dict[str, Any] = {}


@task_prerun.connect(weak=False)
def begin(task_id: str, task: Any, **kwargs: Any) -> None:
    """Make a span of the task the current one, as instrumentations do."""
    running[task_id] = tracer.start_as_current_span(task.name)
    running[task_id].__enter__()


@task_postrun.connect(weak=False)
def end(task_id: str, **kwargs: Any) -> None:
    running.pop(task_id).__exit__(None, None, None)
