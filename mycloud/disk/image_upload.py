"""Bring the data of an image from this host into the image store."""

import shutil
from pathlib import Path
from typing import Any

import requests
from oslo_config import cfg

from mycloud.common import concurrency, exceptions
from mycloud.objects.image_source import TICKET_HEADER
from mycloud.objects.image_upload import ImageUpload

_TIMEOUTS = (5, 600)
_TYPE = "application/octet-stream"


def send(context: Any, image_id: str, file: Path, disk_format: str) -> None:
    """Upload a file as the data of an image: over HTTP if the API can be reached so, else by way
    of the store's directory.

    :raises ImageNotFound: when somebody has deleted the image meanwhile
    :raises Unavailable: neither way leads to the store
    :raises ImageUploadRefused: with the reason of the image service
    """
    upload = ImageUpload.begin(context, image_id, disk_format)
    if upload.url:
        try:
            _put(upload, file)
        except exceptions.Unavailable:
            # maybe only the answer was lost
            if not ImageUpload.is_stored(context, image_id):
                raise
        return
    inbox = Path(upload.path)
    if not inbox.parent.parent.is_dir():
        raise exceptions.Unavailable(what="The image store")
    inbox.parent.mkdir(exist_ok=True)
    try:
        concurrency.run_native(shutil.copyfile, file, inbox)
        ImageUpload.take(context, image_id)
    finally:
        inbox.unlink(missing_ok=True)


def _put(upload: ImageUpload, file: Path) -> None:
    headers = {TICKET_HEADER: upload.token, "Content-Type": _TYPE}
    trusted = cfg.CONF.image.endpoint_ca_file or True
    try:
        with file.open("rb") as data:
            answer = requests.put(
                upload.url, data=data, headers=headers, timeout=_TIMEOUTS, verify=trusted
            )
    except requests.RequestException as error:
        raise exceptions.Unavailable(
            what=f"The image service, for image {upload.image_id},"
        ) from error
    if answer.status_code >= 500:
        raise exceptions.Unavailable(what=f"The image service, for image {upload.image_id},")
    if answer.status_code >= 400:
        raise exceptions.ImageUploadRefused(
            image_id=upload.image_id, reason=answer.text[:300]
        )
