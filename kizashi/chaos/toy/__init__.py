"""A small chain on the real kernel: records → rolling windows (waiting room, derived versions) → fold → alerts."""
