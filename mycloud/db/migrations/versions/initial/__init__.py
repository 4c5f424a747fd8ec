"""The first tables, by the room whose they are."""
