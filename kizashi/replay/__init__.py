"""A city's school year once more: through the services' own handlers without a bus, or through the services."""
