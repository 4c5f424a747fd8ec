"""What brings a host's network from one state to another."""
