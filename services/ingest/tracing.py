"""A new trace begins at the door: what a caller sends as ``traceparent`` never travels."""

from secrets import token_hex

from opentelemetry import trace

tracer = trace.get_tracer("kizashi.ingest")


def traceparent() -> str:
    """W3C traceparent of the current span, or of a trace of its own that nobody records."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    return f"00-{token_hex(16)}-{token_hex(8)}-00"
