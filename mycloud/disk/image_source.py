"""Bring an image's bytes to this host."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from oslo_config import cfg

from mycloud.common import concurrency, exceptions
from mycloud.disk.image_spec import ImageSpec
from mycloud.objects.image_source import TICKET_HEADER, ImageSource

_CHUNK = 1 << 20
_TIMEOUTS = (5, 60)


def fetcher(context: Any, image: ImageSpec) -> Callable[[Path], None]:
    """A function that writes an image to a path.

    The image is asked for only when the function is called: a cached image costs no message.
    """

    def fetch(target: Path) -> None:
        bring(ImageSource.get(context, image.id), target)

    return fetch


def bring(source: ImageSource, target: Path) -> None:
    """Write an image's data to a path: from the store if it is on this machine, else over HTTP.

    :raises Unavailable: neither way leads to the data
    """
    if source.path and Path(source.path).is_file():
        concurrency.run_native(shutil.copyfile, source.path, target)
    elif source.url:
        _download(source, target)
    else:
        raise exceptions.Unavailable(what=f"The data of image {source.image_id}")


def _download(source: ImageSource, target: Path) -> None:
    headers = {TICKET_HEADER: source.token}
    trusted = cfg.CONF.image.endpoint_ca_file or True
    try:
        with requests.get(
            source.url, headers=headers, stream=True, timeout=_TIMEOUTS, verify=trusted
        ) as answer:
            answer.raise_for_status()
            with target.open("wb") as file:
                for chunk in answer.iter_content(_CHUNK):
                    # off the hub: a full disk cache makes a write wait for long
                    concurrency.run_native(file.write, chunk)
    except requests.RequestException as error:
        raise exceptions.Unavailable(
            what=f"The image service, for image {source.image_id},"
        ) from error
