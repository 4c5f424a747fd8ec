"""/v2/schemas: what images and members look like."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.image import documents
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.common import exceptions


def show(request: wsgi.Request) -> Any:
    name = request.args["name"]
    if name not in documents.SCHEMAS:
        raise exceptions.NotFound(resource="Schema", id=name)
    return documents.SCHEMAS[name]


ROWS = [Route("GET", "/schemas/{name}", show, "image:schemas:show", query=ANY_QUERY)]
