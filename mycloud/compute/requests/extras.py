"""The limits of what a create carries along: metadata and files."""

import base64

from sqlalchemy.engine import Connection

from mycloud.common import exceptions
from mycloud.compute.requests import quotas

File = dict[str, str]


def check(
    conn: Connection,
    project_id: str | None,
    metadata: dict[str, str],
    files: list[File] | None,
) -> None:
    """``files``: path and contents (base64) of each. One statement, none if there is nothing.

    :raises QuotaExceeded: names what is too many or too long
    """
    if not metadata and not files:
        return
    limits = quotas.limits(conn, project_id)
    sizes = {"metadata_items": len(metadata), "injected_files": len(files or ())}
    for item in files or ():
        path, content = len(item["path"].encode()), len(base64.b64decode(item["contents"]))
        for name, size in (
            ("injected_file_path_bytes", path), ("injected_file_content_bytes", content),
        ):
            sizes[name] = max(sizes.get(name, 0), size)
    for name, size in sizes.items():
        if limits[name] != quotas.UNLIMITED and size > limits[name]:
            raise exceptions.QuotaExceeded(
                resource=name, requested=size, used=0, limit=limits[name]
            )
