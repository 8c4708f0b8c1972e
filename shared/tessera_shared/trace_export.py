"""The exporter of traces: OTLP over HTTP, by the OpenTelemetry SDK. Imported only where the configuration wants it."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from tessera_shared.config import Tracing


def open_provider(config: Tracing, service: str) -> TracerProvider:
    """What makes spans and sends them in batches, from a thread of its own; it sends the rest when the process ends."""
    resource = Resource.create({"service.name": f"tessera-{service}"})
    provider = TracerProvider(ParentBased(TraceIdRatioBased(config.share)), resource)
    exporter = OTLPSpanExporter(f"{config.otlp_endpoint}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=config.batch_seconds * 1000))
    return provider
