"""Bring an image's bytes to this host."""

import dataclasses
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from oslo_config import cfg

from mycloud.common import concurrency, exceptions
from mycloud.disk import host_transfer, image_check
from mycloud.disk.image_spec import ImageSpec
from mycloud.objects.image_seed import ImageSeed
from mycloud.objects.image_source import TICKET_HEADER, ImageSource

LOG = logging.getLogger(__name__)

_CHUNK = 1 << 20
_TIMEOUTS = (5, 60)


@dataclasses.dataclass(frozen=True)
class Neighbours:
    """Other compute hosts, which may have an image already.

    :ivar host: the name of this one, which wants it
    :ivar pki_dir: with its certificate
    """

    host: str
    pki_dir: Path | None


def fetcher(
    context: Any, image: ImageSpec, *, neighbours: Neighbours | None = None
) -> Callable[[Path], None]:
    """A function that writes an image to a path.

    The image is asked for only when the function is called: a cached image costs no message.
    """

    def fetch(target: Path) -> None:
        if neighbours is None or not _seeded(context, image, neighbours, target):
            bring(ImageSource.get(context, image.id), target)

    return fetch


def _seeded(context: Any, image: ImageSpec, neighbours: Neighbours, target: Path) -> bool:
    """Whether another compute host has given the image, if that is wanted at all.

    Only one whose cached file is the image itself can: the checksum proves it, whoever gave it.
    """
    flat = image.disk_format in image_check.FLAT and image.checksum
    if not cfg.CONF.agent.seed_images or not flat:
        return False
    try:
        seed = ImageSeed.find(context, image.checksum, neighbours.host)
        if seed is None:
            return False
        shown = host_transfer.Pass(seed.url, seed.token, seed.size)
        host_transfer.fetch(shown, target, neighbours.pki_dir or Path())
    except (exceptions.Unavailable, exceptions.PeerTooOld) as error:
        LOG.warning("No other host gives image %s: %s", image.id, error)
        return False
    if concurrency.run_native(image_check.sha512, target) != image.checksum:
        LOG.error("Host %s gave something else than image %s", seed.host, image.id)
        return False
    LOG.info("Image %s comes from host %s", image.id, seed.host)
    return True


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
