"""The language of the bus: what may travel between services, and nothing about how.

Event bodies are frozen ``msgspec.Struct`` types, topics are YAML files in ``topics/``;
JSON Schemas, examples and AsyncAPI are made from them. Nothing here does I/O but reading
those files.
"""
