"""The metadata of volumes and of snapshots."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import ANY_QUERY, Handler, Route
from mycloud.api.volume import fields
from mycloud.api.volume.volumes import schemas
from mycloud.common import exceptions
from mycloud.volume.requests import metadata, snapshots, submit, volumes

_ITEMS = {**schemas.METADATA, "type": "object"}
_ALL = fields.wrapped("metadata", _ITEMS)
_ONE = fields.wrapped("meta", {**_ITEMS, "minProperties": 1, "maxProperties": 1})


@dataclass(frozen=True)
class _Owner:
    """Whose metadata it is. ``gap``: of the path, with its id."""

    collection: str
    gap: str
    noun: submit.Noun
    get: Callable[..., Any]

    def rows(self) -> list[Route]:
        base = f"/{self.collection}/{{{self.gap}}}/metadata"
        read, write = f"volume:{self.collection}:show", f"volume:{self.collection}:update"

        def row(verb: str, tail: str, handler: Handler, rule: str, body: Any = None) -> Route:
            return Route(verb, base + tail, handler, rule, body=body, query=ANY_QUERY)

        return [
            row("GET", "", self.list_items, read),
            row("POST", "", self.merge, write, _ALL),
            row("PUT", "", self.replace, write, _ALL),
            row("GET", "/{key}", self.show, read),
            row("PUT", "/{key}", self.update, write, _ONE),
            row("DELETE", "/{key}", self.delete, write),
        ]

    def list_items(self, request: wsgi.Request) -> Any:
        return {"metadata": self._items(request)}

    def show(self, request: wsgi.Request) -> Any:
        key, items = request.args["key"], self._items(request)
        if key not in items:
            raise exceptions.VolumeMetadataNotFound(
                type=self.noun.type, id=request.args[self.gap], key=key
            )
        return {"meta": {key: items[key]}}

    def merge(self, request: wsgi.Request) -> Any:
        items = request.json_body["metadata"]
        return {
            "metadata": self._change(request, lambda before: {**before, **items})
        }

    def replace(self, request: wsgi.Request) -> Any:
        items = request.json_body["metadata"]
        return {"metadata": self._change(request, lambda before: items)}

    def update(self, request: wsgi.Request) -> Any:
        items = request.json_body["meta"]
        if request.args["key"] not in items:
            raise exceptions.BadField(
                field="meta", reason="its key must be the one in the URL of the request"
            )
        self._change(request, lambda before: {**before, **items})
        return {"meta": items}

    def delete(self, request: wsgi.Request) -> None:
        row_id, key = request.args[self.gap], request.args["key"]
        metadata.remove(request.context, self.noun, row_id, key)

    def _items(self, request: wsgi.Request) -> dict[str, str]:
        found: dict[str, str] = self.get(request.context, request.args[self.gap])["metadata"]
        return found

    def _change(self, request: wsgi.Request, change: metadata.Change) -> dict[str, str]:
        return metadata.change(request.context, self.noun, request.args[self.gap], change)


ROWS = [
    *_Owner("volumes", "volume_id", submit.VOLUME, volumes.get).rows(),
    *_Owner("snapshots", "snapshot_id", submit.SNAPSHOT, snapshots.get).rows(),
]
