"""How this host reaches volumes, by the type of their connection."""
