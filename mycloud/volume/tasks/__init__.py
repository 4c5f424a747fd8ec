"""What a volume host does for an operation: one planner a kind."""
