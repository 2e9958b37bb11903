"""From a poll's span to the traces of its records, which began at the door."""

from collections.abc import Iterable

from opentelemetry.trace import Span
from opentelemetry.trace.propagation import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from contracts.envelope import Event

#: A poll may hold records of hundreds of requests; a few lead to what was asked for.
MAX_LINKS = 8
_propagator = TraceContextTextMapPropagator()


def link(span: Span, events: Iterable[Event]) -> None:
    """Link ``span`` to the first distinct traces of ``events``; costs nothing where nobody records."""
    if not span.is_recording():
        return
    parents: dict[str, None] = {}
    for event in events:
        if event.meta.traceparent:
            parents[event.meta.traceparent] = None
            if len(parents) == MAX_LINKS:
                break
    for parent in parents:
        found = get_current_span(_propagator.extract({"traceparent": parent})).get_span_context()
        if found.is_valid:
            span.add_link(found)
