"""Version documents, in the forms that clients and tempest demand."""

from typing import Any

from mycloud.api import versions, wsgi
from mycloud.api.routing import ANY_QUERY, Route

_JSON = "application/json"


def _here(request: wsgi.Request) -> str:
    return request.application_url.rstrip("/")


def _compute_version(base: str, version_id: str) -> dict[str, Any]:
    micro = version_id == "v2.1"
    return {
        "id": "v2.1" if micro else "v2.0",
        "status": "CURRENT" if micro else "SUPPORTED",
        "version": str(versions.COMPUTE.maximum) if micro else "",
        "min_version": str(versions.COMPUTE.minimum) if micro else "",
        "updated": "2013-07-23T11:33:21Z" if micro else "2011-01-21T11:33:21Z",
        "links": [{"rel": "self", "href": f"{base}/{'v2.1' if micro else 'v2'}/"}],
    }


def compute_list(request: wsgi.Request) -> Any:
    here = _here(request)
    return {"versions": [_compute_version(here, "v2.0"), _compute_version(here, "v2.1")]}


def compute_show(request: wsgi.Request) -> Any:
    """GET /compute/v2.1/ and /compute/v2/: one version, with its media type."""
    here = _here(request)
    base, _, name = here.rpartition("/")
    found = _compute_version(base, "v2.1" if name == "v2.1" else "v2.0")
    found["links"].append(
        {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"}
    )
    found["media-types"] = [
        {"base": _JSON, "type": f"application/vnd.openstack.compute+json;version={name[1:]}"}
    ]
    return {"version": found}


def _identity_version(href: str) -> dict[str, Any]:
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{href}/"}],
        "media-types": [
            {"base": _JSON, "type": "application/vnd.openstack.identity-v3+json"}
        ],
    }


def identity_list(request: wsgi.Request) -> Any:
    return {"versions": {"values": [_identity_version(f"{_here(request)}/v3")]}}


def identity_show(request: wsgi.Request) -> Any:
    return {"version": _identity_version(_here(request))}


def _volume_version(href: str) -> dict[str, Any]:
    return {
        "id": "v3.0",
        "status": "CURRENT",
        "version": str(versions.VOLUME.maximum),
        "min_version": str(versions.VOLUME.minimum),
        "updated": "2018-07-17T00:00:00Z",
        "links": [
            {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
            {"rel": "self", "href": f"{href}/"},
        ],
        "media-types": [
            {"base": _JSON, "type": "application/vnd.openstack.volume+json;version=3"}
        ],
    }


def volume_list(request: wsgi.Request) -> Any:
    return {"versions": [_volume_version(f"{_here(request)}/v3")]}


def volume_show(request: wsgi.Request) -> Any:
    return {"versions": [_volume_version(_here(request))]}


#: glance v2's minor versions whose behaviour is all here.
_IMAGE_MINORS = (5, 4, 3, 2, 1, 0)


def image_list(request: wsgi.Request) -> Any:
    href = f"{_here(request)}/v2/"
    return {
        "versions": [
            {
                "id": f"v2.{minor}",
                "status": "CURRENT" if minor == _IMAGE_MINORS[0] else "SUPPORTED",
                "links": [{"rel": "self", "href": href}],
            }
            for minor in _IMAGE_MINORS
        ]
    }


def root_list(request: wsgi.Request) -> Any:
    here = _here(request)
    return {
        "name": "mycloud",
        "links": [
            {"rel": rel, "href": f"{here}/{rel}"}
            for rel in ("identity", "compute", "volume", "image", "cloud/v1")
        ],
    }


def _row(handler: Any, status: int, path: str = "/") -> Route:
    return Route("GET", path, handler, anonymous=True, query=ANY_QUERY, status=status)


ROOT = [_row(root_list, 200)]
IDENTITY = [_row(identity_list, 300)]
COMPUTE = [_row(compute_list, 200)]
IMAGE = [_row(image_list, 300), _row(image_list, 200, "/versions")]
VOLUME = [_row(volume_list, 300)]
#: The first rows of the versioned applications.
IDENTITY_SHOW = _row(identity_show, 200)
COMPUTE_SHOW = _row(compute_show, 200)
VOLUME_SHOW = _row(volume_show, 200)
