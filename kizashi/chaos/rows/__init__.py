"""The matrix: one class per fault, found by name in ``kizashi.chaos.matrix``."""
