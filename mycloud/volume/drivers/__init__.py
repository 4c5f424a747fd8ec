"""Storage backends: one module or package per driver, loaded by entry point."""
