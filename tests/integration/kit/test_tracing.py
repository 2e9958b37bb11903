"""A poll's span leads to the traces of its records."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.ingest import tracing as door
from services.kit import kernel as kernels
from services.kit.batcher import Message
from services.kit.tracing import MAX_LINKS
from tests.integration.kit.conftest import Bench, Log
from tests.integration.kit.toy import mark


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What door and kernel tell, without the process-wide provider, which can be set only once."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(door, "tracer", provider.get_tracer("door"))
    monkeypatch.setattr(kernels, "tracer", provider.get_tracer("kernel"))
    return exporter


def accepted(number: int) -> Message:
    """A record that came through the door in a request of its own."""
    with door.span("accept"):
        made = mark(number)
        return made._replace(headers=[*made.headers, ("traceparent", door.traceparent().encode())])


async def test_a_poll_is_linked_to_the_traces_of_the_door(bench: Bench, spans: InMemorySpanExporter) -> None:
    kernel = bench.kernel()
    await bench.claim(kernel)
    first, second = accepted(1), accepted(2)
    forged = mark(3)._replace(headers=[*mark(3).headers, ("traceparent", b"00-none")])
    await kernel.process(Log().append(first, second, forged, mark(4), first))
    *doors, poll = spans.get_finished_spans()
    assert poll.name == "features.facts poll"
    wanted = {(each.context.trace_id, each.context.span_id) for each in doors}
    assert {(each.context.trace_id, each.context.span_id) for each in poll.links} == wanted
    assert len(poll.links) == 2


async def test_a_poll_of_many_requests_has_a_few_links(bench: Bench, spans: InMemorySpanExporter) -> None:
    kernel = bench.kernel()
    await bench.claim(kernel)
    await kernel.process(Log().append(*(accepted(n) for n in range(3 * MAX_LINKS))))
    assert len(spans.get_finished_spans()[-1].links) == MAX_LINKS


async def test_where_nobody_records_nothing_is_looked_at(bench: Bench) -> None:
    kernel = bench.kernel()
    await bench.claim(kernel)
    made = mark(1)
    await kernel.process(Log().append(made._replace(headers=[*made.headers, ("traceparent", b"00-none")])))
    assert await bench.value("SELECT count(*) FROM toy") == 1
