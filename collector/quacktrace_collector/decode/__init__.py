"""OTLP request bodies to Arrow tables, without a Python object per span."""
