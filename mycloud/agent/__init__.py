"""The host agent: shows, measures and configures the host that a compute service runs on."""
