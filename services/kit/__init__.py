"""What every service shares: settings, the bus, the effectively-once kernel, database, telemetry, health."""
