"""Other tracers' JSON, as OTLP: Zipkin and Jaeger. Needs nothing but OpenTelemetry's messages."""
