"""Receiving OTLP: bounded reading, validation, content negotiation, answers, over HTTP and gRPC."""
