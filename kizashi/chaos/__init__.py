"""Faults done to the running kernel, each with what must hold afterwards and a broken kernel it must catch."""
