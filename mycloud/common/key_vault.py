"""The key that encrypts the keys of encrypted volumes: one file, on API and conductor hosts.

The database alone opens no volume, nor does this file alone. Hosts of one cloud share the file.
"""

from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from oslo_config import cfg

from mycloud.common import clock, exceptions, secret_files

_FILE = "master.key"


def _path() -> Path:
    place = cfg.CONF.volume.key_dir or Path(cfg.CONF.state_path) / "volume-keys"
    return Path(place) / _FILE


def _fernet() -> Fernet:
    return Fernet(secret_files.once(_path(), Fernet.generate_key))


def new_key() -> str:
    """A new key for a volume, encrypted, as the database keeps it."""
    return _fernet().encrypt(clock.secret(32).encode()).decode()


def opened(ciphertext: str) -> str:
    """The passphrase of a volume.

    :raises KeyUnreadable: it was encrypted by another master key
    """
    try:
        return _fernet().decrypt(ciphertext.encode()).decode()
    except InvalidToken as error:
        raise exceptions.KeyUnreadable() from error
