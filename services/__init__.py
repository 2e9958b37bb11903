"""The six services and the kit they share. A service imports ``contracts`` and ``services.kit``, never another."""
