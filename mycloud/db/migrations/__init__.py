"""The schema's versions (alembic)."""
