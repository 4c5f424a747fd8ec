"""Put right what an API process left behind that was killed during an upload or a deletion."""

import datetime
import logging
from typing import Any

from mycloud.common import exceptions
from mycloud.db import engine, images
from mycloud.image import store, uploads

LOG = logging.getLogger(__name__)

#: A part that young may not be locked yet by whoever made it.
_TOO_YOUNG = datetime.timedelta(seconds=2)


class Janitor:
    """What the image API does before it listens ([api]/managers)."""

    def init_host(self) -> None:
        """Sweep; without a database that is put off until the next start."""
        try:
            sweep()
        except (exceptions.DatabaseUnavailable, exceptions.ConfigError) as error:
            LOG.warning("The image store was not swept: %s", error)


def end_silent_uploads(context: Any) -> None:
    """Make images wait for data again whose upload has been silent for too long, on whichever
    host it was. Their files are for ``sweep`` of that host."""
    dropped = uploads.drop_silent()
    if dropped:
        LOG.warning("%s silent uploads were given up", dropped)


def sweep() -> None:
    """Run it when the API starts and now and then: parts that nobody writes go and their images
    wait for data again, files that no image names go, uploads elsewhere that have been silent
    for too long end. Uploads and downloads under way are left alone."""
    end_silent_uploads(None)
    entries = store.entries()
    for entry in entries:
        if entry.partial:
            _sweep_part(entry)
    # the files first, the rows after: what became an image's file in between has its row by now
    whole = [entry for entry in entries if not entry.partial]
    brought = store.brought()
    with engine.reader() as conn:
        wanted = images.stored(conn, [entry.image_id for entry in whole])
        waiting = images.waiting(conn, brought)
    for image_id in set(brought) - waiting:
        store.inbox(image_id).unlink(missing_ok=True)
    for entry in whole:
        if wanted.get(entry.image_id) != entry.upload_id:
            LOG.warning("Removing %s, which no image names", entry.path)
            entry.path.unlink(missing_ok=True)


def _sweep_part(entry: store.Entry) -> None:
    if store.remove_if_dead(entry, _TOO_YOUNG):
        LOG.warning("Removed %s, whose upload was killed", entry.path)
        with engine.writer() as conn:
            uploads.drop(conn, entry.image_id, entry.upload_id)
