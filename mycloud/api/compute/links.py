"""The links that compute resources carry."""

from urllib.parse import quote

from mycloud.api import wsgi


def of(request: wsgi.Request, collection: str, resource_id: str) -> list[dict[str, str]]:
    """self, with the version in its path, and bookmark, without."""
    path = f"{collection}/{quote(resource_id)}"
    unversioned = request.service_url.rpartition("/")[0]
    return [
        {"rel": "self", "href": f"{request.service_url}/{path}"},
        {"rel": "bookmark", "href": f"{unversioned}/{path}"},
    ]
