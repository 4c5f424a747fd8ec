"""Logging in: keystoneauth1's plugins and session, and tokens kept between runs.

keystoneauth1 and requests take a tenth of a second to import, so they are imported when a
session is made and not before.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mycloud.client.config import CloudConfig
from mycloud.client.errors import ConfigError

if TYPE_CHECKING:
    from keystoneauth1.identity.base import BaseIdentityPlugin
    from keystoneauth1.session import Session


def default_token_folder() -> Path:
    """Where the ``mycloud`` command keeps its tokens between runs."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "mycloud" / "tokens"


def make_plugin(config: CloudConfig) -> "BaseIdentityPlugin":
    """The keystoneauth1 plugin of the configured identity.

    :raises ConfigError: if the auth_type is unknown or doesn't take the given arguments
    """
    from keystoneauth1 import exceptions
    from keystoneauth1.identity import v3

    # version 3 is the only one that clouds still have, so none is asked which it has
    url = config.auth_url.rstrip("/")
    arguments: dict[str, Any] = {
        **config.auth,
        "auth_url": url if url.endswith("/v3") else f"{url}/v3",
    }
    known: dict[str, Callable[..., BaseIdentityPlugin]] = {
        "password": v3.Password,
        "v3password": v3.Password,
        "token": v3.Token,
        "v3token": v3.Token,
        "v3applicationcredential": v3.ApplicationCredential,
    }
    try:
        if config.auth_type in known:
            return known[config.auth_type](**arguments)
        from keystoneauth1 import loading

        loader: Any = loading.get_plugin_loader(config.auth_type)
        plugin: BaseIdentityPlugin = loader.load_from_options(**arguments)
        return plugin
    except exceptions.NoMatchingPlugin as error:
        raise ConfigError(
            f"Cloud '{config.name}': auth_type '{config.auth_type}' is not known; "
            f"use one of {', '.join(sorted(known))}"
        ) from error
    except (TypeError, exceptions.MissingRequiredOptions) as error:
        raise ConfigError(
            f"Cloud '{config.name}': the auth part doesn't fit auth_type "
            f"'{config.auth_type}': {error}"
        ) from error


def make_session(config: CloudConfig, plugin: "BaseIdentityPlugin") -> "Session":
    """An HTTP session that logs in with ``plugin``; nothing is sent yet."""
    from keystoneauth1 import session

    return session.Session(
        auth=plugin,
        verify=config.verify,
        cert=config.cert,
        timeout=config.timeout,
        app_name="mycloud",
    )


class TokenCache:
    """Tokens in files that only their owner can read, one for each identity.

    A file is named after a digest of the whole login (URL, user, password, scope), so another
    login never finds it. Whatever is wrong with a file only means logging in again.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    def restore(self, plugin: "BaseIdentityPlugin") -> None:
        """Give the plugin the token of an earlier run, if there is one."""
        path = self._path(plugin)
        if path is None:
            return
        try:
            state = path.read_text(encoding="utf-8")
            plugin.set_auth_state(state)
        except (OSError, ValueError, KeyError, TypeError):
            plugin.invalidate()

    def save(self, plugin: "BaseIdentityPlugin") -> None:
        """Keep the plugin's token for the next run; a full or read-only disk is no error."""
        path, state = self._path(plugin), plugin.get_auth_state()
        if path is None or not state:
            return
        try:
            if path.read_text(encoding="utf-8") == state:
                return
        except OSError:
            pass
        try:
            json.loads(state)
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)
            # mkstemp makes the file readable by its owner alone
            descriptor, temporary = tempfile.mkstemp(dir=self._folder)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(state)
                os.replace(temporary, path)
            except OSError:
                os.unlink(temporary)
        except (OSError, ValueError):
            return

    def forget(self, plugin: "BaseIdentityPlugin") -> None:
        """Drop a token that the cloud no longer takes."""
        path = self._path(plugin)
        if path is not None:
            path.unlink(missing_ok=True)

    def _path(self, plugin: "BaseIdentityPlugin") -> Path | None:
        identity = plugin.get_cache_id()
        if not identity:
            return None
        # the plugin's own text may hold a slash
        return self._folder / f"{hashlib.sha256(identity.encode()).hexdigest()}.json"
