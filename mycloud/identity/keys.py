"""Fernet keys in a directory that only the service may read, and their rotation.

Key ``0`` is staged: every process reads tokens with it already, none writes with it yet. The
highest number is primary: tokens are written with it. The rest is older and only reads.
"""

import os
import tempfile
from pathlib import Path

from cryptography import fernet
from oslo_config import cfg

from mycloud.common import exceptions

_STAGED = 0


class KeyRepository:
    """The keys in one directory. A change of the directory is seen by the next use."""

    def __init__(self, path: Path):
        self.path = path
        self._stamp: int | None = None
        self._loaded: fernet.MultiFernet | None = None

    def setup(self) -> bool:
        """Make the directory and its first keys; False if there are some already."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.chmod(0o700)
        if self._numbers():
            return False
        self._write(_STAGED)
        self._write(_STAGED + 1)
        return True

    def rotate(self, max_active: int) -> int:
        """Make the staged key primary, stage a new one, and drop the oldest beyond
        ``max_active``; returns the primary's number.

        :raises ConfigError: when there are no keys yet
        """
        numbers = self._numbers()
        if not numbers:
            raise self._missing()
        primary = numbers[-1] + 1
        os.replace(self.path / str(_STAGED), self.path / str(primary))
        self._write(_STAGED)
        active = [number for number in self._numbers() if number != _STAGED]
        for number in active[: max(0, len(active) - (max_active - 1))]:
            (self.path / str(number)).unlink()
        return primary

    def crypto(self) -> fernet.MultiFernet:
        """What encrypts with the primary key and decrypts with any.

        :raises ConfigError: when there are no keys, or one is damaged
        """
        try:
            stamp = os.stat(self.path).st_mtime_ns
        except FileNotFoundError:
            raise self._missing() from None
        if self._loaded is None or stamp != self._stamp:
            self._loaded = self._load()
            self._stamp = stamp
        return self._loaded

    def _load(self) -> fernet.MultiFernet:
        numbers = self._numbers()
        if not numbers:
            raise self._missing()
        try:
            keys = [
                fernet.Fernet((self.path / str(number)).read_bytes())
                for number in sorted(numbers, reverse=True)
            ]
        except (OSError, ValueError) as error:
            raise exceptions.ConfigError(
                option="state_path", reason=f"a key in {self.path} can't be used: {error}"
            ) from error
        return fernet.MultiFernet(keys)

    def _numbers(self) -> list[int]:
        if not self.path.is_dir():
            return []
        return sorted(int(entry.name) for entry in self.path.iterdir() if entry.name.isdigit())

    def _write(self, number: int) -> None:
        # a reader sees a whole key or none; mkstemp makes it readable by its owner alone
        descriptor, temporary = tempfile.mkstemp(dir=self.path, prefix="new-")
        with os.fdopen(descriptor, "wb") as file:
            file.write(fernet.Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self.path / str(number))

    def _missing(self) -> exceptions.ConfigError:
        return exceptions.ConfigError(
            option="state_path",
            reason=f"there are no keys in {self.path}; run 'mycloud-manage fernet setup'",
        )


_repositories: dict[Path, KeyRepository] = {}


def _repository(name: str) -> KeyRepository:
    path = Path(cfg.CONF.state_path) / name
    if path not in _repositories:
        _repositories[path] = KeyRepository(path)
    return _repositories[path]


def token_keys() -> KeyRepository:
    """The keys of tokens; they are rotated."""
    return _repository("fernet-keys")


def credential_keys() -> KeyRepository:
    """The keys of stored credentials; never rotated, for the blobs are kept for good."""
    return _repository("credential-keys")
