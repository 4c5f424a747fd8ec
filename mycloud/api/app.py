"""paste.deploy factories of the APIs, and the loader of the whole application."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from oslo_config import cfg
from paste import deploy

from mycloud.api import cloud as cloud_api
from mycloud.api import compute as compute_api
from mycloud.api import discovery, versions
from mycloud.api import identity as identity_api
from mycloud.api import image as image_api
from mycloud.api import volume as volume_api
from mycloud.api.routing import Router
from mycloud.common import context

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

#: Where api-paste.ini may be, first match wins.
_PLACES = (
    Path("/etc/mycloud/api-paste.ini"),
    Path(__file__).parents[2] / "etc" / "mycloud" / "api-paste.ini",
)


def identity(global_conf: Any, **local_conf: Any) -> Router:
    return Router("identity", identity_api.rows())


def compute(global_conf: Any, **local_conf: Any) -> Router:
    return Router("compute", compute_api.rows(), versions.COMPUTE)


def compute_legacy(global_conf: Any, **local_conf: Any) -> Router:
    """/compute/v2: the behaviour of 2.1, whatever version a request names."""
    return Router("compute", compute_api.rows(), versions.COMPUTE_V2)


def image(global_conf: Any, **local_conf: Any) -> Router:
    return Router("image", image_api.rows())


def volume(global_conf: Any, **local_conf: Any) -> WsgiApp:
    """/volume/v3, with and without the project's id in the path."""
    router = Router("volume", volume_api.rows(), versions.VOLUME)
    return volume_api.ProjectInPath(router)


def cloud(global_conf: Any, **local_conf: Any) -> Router:
    return Router("cloud", cloud_api.rows())


def root(global_conf: Any, **local_conf: Any) -> Router:
    return Router("cloud", discovery.ROOT)


def identity_versions(global_conf: Any, **local_conf: Any) -> Router:
    return Router("identity", discovery.IDENTITY)


def compute_versions(global_conf: Any, **local_conf: Any) -> Router:
    return Router("compute", discovery.COMPUTE)


def volume_versions(global_conf: Any, **local_conf: Any) -> Router:
    return Router("volume", discovery.VOLUME)


def image_versions(global_conf: Any, **local_conf: Any) -> Router:
    return Router("image", discovery.IMAGE)


def paste_config() -> Path:
    """The api-paste.ini in force.

    :raises FileNotFoundError: when there is none
    """
    if cfg.CONF.api.paste_config:
        return Path(cfg.CONF.api.paste_config).resolve(strict=True)
    for place in _PLACES:
        if place.is_file():
            return place
    raise FileNotFoundError(
        f"There is no api-paste.ini in {_PLACES[0].parent}; set [api]/paste_config."
    )


def load(name: str = "main") -> WsgiApp:
    """The WSGI application of that name in api-paste.ini; its code runs in the role api."""
    app: WsgiApp = deploy.loadapp(f"config:{paste_config()}", name=name)

    def in_role(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with context.role(context.API):
            return app(environ, start_response)

    return in_role
