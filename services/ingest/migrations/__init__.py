"""Schema of the ingest service."""
