"""The bus into the read model: every handler folds a poll into one row per natural key and saves in bulk."""
