"""alembic runs this for every command; the connection comes from mycloud.db.migrations.version."""

from alembic import context

from mycloud.db import models

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=models.metadata,
    # SQLite can't alter most things: tables are copied there
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
