"""A package, so that its running system ends with its last test."""
