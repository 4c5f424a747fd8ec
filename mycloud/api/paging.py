"""Pages of lists: how many elements, and the link to the next page."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from oslo_config import cfg

from mycloud.api import wsgi

#: Schemas of the query keys ``limit`` and ``marker``.
LIMIT = {"type": "string", "pattern": "^[0-9]{1,30}$"}
MARKER = {"type": "string", "minLength": 1, "maxLength": 255}


def limit_of(request: wsgi.Request) -> int:
    """How many elements the caller wants at most; [api]/max_limit caps it, 0 means none."""
    longest: int = cfg.CONF.api.max_limit
    return min(longest, int(request.query.get("limit", longest)))


def next_links(request: wsgi.Request, page: Sequence[Any], marker: str) -> list[dict[str, str]]:
    """The links element of a list: to the page after ``marker``, if this one is full."""
    if not page or len(page) < limit_of(request):
        return []
    query = urlencode({**request.query, "marker": marker}, doseq=True)
    return [{"rel": "next", "href": f"{request.service_url}{request.path_info}?{query}"}]
