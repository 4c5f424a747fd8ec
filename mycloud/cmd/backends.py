"""Makes the managers of a volume host's backends from the options."""

from pathlib import Path

from oslo_config import cfg

from mycloud.common import exceptions
from mycloud.conf import volume as conf
from mycloud.volume.drivers import loader
from mycloud.volume.drivers.base import BackendSettings
from mycloud.volume.exports.board import Board
from mycloud.volume.manager import VolumeManager

#: Options of a section that are no business of a driver.
_OURS = frozenset({"volume_driver", "volume_backend_name"})


def names() -> list[str]:
    """The enabled backends, empty names left out."""
    return [name.strip() for name in cfg.CONF.volume.enabled_backends if name.strip()]


def state_dir(name: str) -> Path:
    """Where a backend of that name keeps its things on this host."""
    return Path(cfg.CONF.state_path) / "backends" / name


def host_of(name: str) -> str:
    """What the service of a backend is called: HOST@BACKEND."""
    return f"{cfg.CONF.host}@{name}"


def manager(name: str) -> VolumeManager:
    """The manager of one backend.

    :raises ConfigError: its section does not make sense
    :raises DriverNotFound: it names a driver that there is not
    """
    section = conf.register_backend(name)
    try:
        values = {opt.dest: section[opt.dest] for opt in conf.BACKEND_OPTS}
    except cfg.Error as error:
        raise exceptions.ConfigError(option=f"[{name}]", reason=str(error)) from error
    settings = BackendSettings(
        name=name,
        backend_name=values["volume_backend_name"] or name,
        state_dir=state_dir(name),
        options={key: value for key, value in values.items() if key not in _OURS},
    )
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    settings.state_dir.chmod(0o700)
    pki = Path(cfg.CONF.volume.pki_dir or Path(cfg.CONF.state_path) / "pki")
    board = Board(
        settings,
        values["volume_driver"],
        address=cfg.CONF.volume.export_address,
        pki_dir=pki if pki.is_dir() else None,
    )
    driver = loader.load(values["volume_driver"], settings)
    return VolumeManager(host_of(name), driver, board)
