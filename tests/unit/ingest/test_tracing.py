"""A trace travels where somebody records it, and nowhere else."""

from opentelemetry import trace

from services.ingest.tracing import traceparent


def test_a_recorded_span_travels() -> None:
    context = trace.SpanContext(0xA1, 0xB2, is_remote=False, trace_flags=trace.TraceFlags(1))
    with trace.use_span(trace.NonRecordingSpan(context)):
        assert traceparent() == f"00-{0xA1:032x}-{0xB2:016x}-01"


def test_nothing_travels_where_nobody_records() -> None:
    assert traceparent() == ""
