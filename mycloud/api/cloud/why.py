"""Why is it as it is? The steps in order, and the root cause in one sentence."""

from typing import Any

from mycloud.api import wsgi
from mycloud.api.cloud import operations
from mycloud.api.routing import ANY_QUERY, Route
from mycloud.journal import requests


def show(request: wsgi.Request) -> Any:
    story = requests.why(request.context, request.args["name"])
    return {
        "resource": story.resource,
        "operations": [operations.full_view(row, steps) for row, steps in story.operations],
        "cause": story.cause,
    }


ROWS = [Route("GET", "/why/{name}", show, "cloud:why:show", query=ANY_QUERY)]
