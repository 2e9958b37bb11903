"""A new trace begins at the door: what a caller sends as ``traceparent`` never travels."""

from contextlib import AbstractContextManager

from opentelemetry import trace

tracer = trace.get_tracer("kizashi.ingest")


def span(name: str) -> AbstractContextManager[trace.Span]:
    """A span that says nothing of an exception: its text may quote a record."""
    return tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False)


def traceparent() -> str:
    """W3C traceparent of the current span; empty where nobody records: five readers would pay for it in vain."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
