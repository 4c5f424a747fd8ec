"""initial"""

from mycloud.db.migrations.versions.initial import compute, identity, images, journal

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for room in (identity, images, compute, journal):
        room.create()
