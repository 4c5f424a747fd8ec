"""The files of images."""

from pathlib import Path

from oslo_config import cfg


def path(image_id: str) -> Path:
    """The file that holds an image's bytes, whether it is there or not."""
    return Path(cfg.CONF.state_path) / "images" / image_id
