"""What an application credential with access rules may call."""

import functools
import re
from collections.abc import Iterable, Mapping

#: The first part of a request's path -> the service type that rules name it by.
_SERVICES = {
    "identity": frozenset({"identity"}),
    "compute": frozenset({"compute"}),
    "image": frozenset({"image"}),
    "volume": frozenset({"block-storage", "volumev3", "volume"}),
    "network": frozenset({"network"}),
    "cloud": frozenset({"mycloud"}),
}


def allow(rules: Iterable[Mapping[str, str]], method: str, path: str) -> bool:
    """Whether one of the rules allows the request. ``path`` is the whole path of the URL; a
    rule's path may leave out what comes before the resource (``/v2.1/servers``) or not
    (``/compute/v2.1/servers``)."""
    first, _, _ = path.lstrip("/").partition("/")
    types = _SERVICES.get(first, frozenset())
    inside = path.removeprefix(f"/{first}")
    return any(
        rule["service"] in types
        and rule["method"] == method
        and (_pattern(rule["path"]).fullmatch(inside) or _pattern(rule["path"]).fullmatch(path))
        for rule in rules
    )


@functools.lru_cache(maxsize=1024)
def _pattern(path: str) -> re.Pattern[str]:
    """``*`` and ``{name}`` stand for one part of a path, ``**`` for any number of them."""
    parts = re.split(r"(\*\*|\*|\{[^/{}]*\})", path)
    return re.compile(
        "".join(
            ".*" if part == "**" else "[^/]+" if part == "*" or part[:1] == "{" else
            re.escape(part)
            for part in parts
        )
    )
