"""The door for school systems: validates what they publish, and keeps the school clock."""
