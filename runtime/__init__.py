"""Settings, the client, the embedded server, and everything on one machine."""
