"""features: what does a child's school year look like? Strips in, windows, evidence and labels out."""
