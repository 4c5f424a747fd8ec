"""/v2/info: what clients ask before they choose how to bring data in.

Data comes in by PUT /images/{id}/file and by no other way, into one store.
"""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.routing import ANY_QUERY, Route


def show_import(request: wsgi.Request) -> Any:
    return {
        "import-methods": {
            "description": "Import methods available.", "type": "array", "value": []
        }
    }


def show_stores(request: wsgi.Request) -> Any:
    return {"stores": [{"id": "file", "default": "true"}]}


ROWS = [
    Route("GET", "/info/import", show_import, "image:info:show", query=ANY_QUERY),
    Route("GET", "/info/stores", show_stores, "image:info:show", query=ANY_QUERY),
]
