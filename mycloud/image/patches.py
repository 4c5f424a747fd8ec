"""JSON patches of images, in the two forms that the image API has.

The newer one names the operation (``{"op": "replace", "path": "/name", "value": "x"}``), the
older one is keyed by it (``{"replace": "/name", "value": "x"}``). Paths have one part: an image
is flat.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mycloud.common import exceptions, policy, states
from mycloud.db.images import Image
from mycloud.image import attributes

ADD, REPLACE, REMOVE = "add", "replace", "remove"
_VERBS = (ADD, REPLACE, REMOVE)
_BAD_ESCAPE = re.compile(r"~(?![01])")

#: Checks a value that an attribute or property is to get: name, value.
Check = Callable[[str, Any], None]


@dataclass(frozen=True)
class Operation:
    """One step of a patch. ``value`` is None for a removal."""

    verb: str
    name: str
    value: Any = None


def parse(document: Any, *, keyed: bool, check: Check) -> list[Operation]:
    """The operations of a patch.

    :param keyed: the older of the two forms
    :param check: raises BadField for a value that the name can't have
    :raises BadField: for a document that is not a patch of an image
    """
    if not isinstance(document, list):
        raise _bad("the patch", "it must be a list of operations")
    return [_operation(each, keyed, check) for each in document]


def _operation(each: Any, keyed: bool, check: Check) -> Operation:
    if not isinstance(each, dict):
        raise _bad("the patch", "every operation must be an object")
    verb, path = _keyed(each) if keyed else (each.get("op"), each.get("path"))
    if verb not in _VERBS:
        raise _bad("op", f"it must be one of {', '.join(_VERBS)}")
    name = _name(path)
    if verb == REMOVE:
        return Operation(verb, name)
    if "value" not in each:
        raise _bad(name, f"the operation {verb} needs a value")
    if name in attributes.COLUMNS or name == "tags" or not _fixed(name):
        check(name, each["value"])
    return Operation(verb, name, each["value"])


def _keyed(each: dict[str, Any]) -> tuple[str, Any]:
    verbs = [verb for verb in _VERBS if verb in each]
    if len(verbs) != 1:
        raise _bad("the patch", f"every operation must have one key of {', '.join(_VERBS)}")
    return verbs[0], each[verbs[0]]


def _name(path: Any) -> str:
    if not isinstance(path, str) or not path.startswith("/") or _BAD_ESCAPE.search(path):
        raise _bad("path", "it must be a JSON pointer, for example /name")
    first, *rest = path[1:].split("/")
    if not first or (rest and first != "locations"):
        raise _bad("path", "it must have one part, for example /name")
    name = first.replace("~1", "/").replace("~0", "~")
    if len(name) > 255 or not name.isprintable():
        raise _bad("path", "the name of a property has 1 to 255 printable characters")
    return name


def _fixed(name: str) -> bool:
    return (
        name in attributes.READ_ONLY
        or name in attributes.RESERVED
        or name.startswith(attributes.RESERVED_PREFIX)
    )


def _bad(field: str, reason: str) -> exceptions.BadField:
    return exceptions.BadField(field=field, reason=reason)


def apply(context: Any, image: Image, operations: list[Operation]) -> Image:
    """A changed copy of the image.

    :raises ImageAttributeFixed: for what can't be changed (any more)
    :raises ImagePropertyMissing: when a property is replaced or removed that is not there
    :raises Forbidden: when the caller may not do that to its image
    :raises TooLarge: when it would have too many properties or tags
    """
    changed = {**image, "properties": dict(image["properties"]), "tags": list(image["tags"])}
    for operation in operations:
        attributes.check_name(operation.name)
        if operation.name == "tags" or operation.name in attributes.COLUMNS:
            _apply_to_attribute(context, changed, operation)
        else:
            _apply_to_property(changed["properties"], operation)
    attributes.check_counts(len(changed["properties"]), len(changed["tags"]))
    return changed


def _apply_to_attribute(context: Any, changed: Image, operation: Operation) -> None:
    name, value = operation.name, operation.value
    if operation.verb == REMOVE:
        raise exceptions.ImageAttributeFixed(name=name, reason="may not be removed")
    if name == "tags":
        changed["tags"] = sorted(set(value))
        return
    column = attributes.COLUMNS[name]
    if changed[column] == value:
        return
    if name in attributes.OF_THE_DATA and changed["status"] != states.Image.QUEUED:
        raise exceptions.ImageAttributeFixed(
            name=name, reason="can be changed only until data is uploaded"
        )
    if name == "visibility":
        attributes.check_visibility(context, value)
    elif name == "owner":
        policy.enforce(context, "image:images:give")
    changed[column] = value


def _apply_to_property(properties: dict[str, Any], operation: Operation) -> None:
    if operation.verb != ADD and operation.name not in properties:
        raise exceptions.ImagePropertyMissing(name=operation.name)
    if operation.verb == REMOVE:
        del properties[operation.name]
    else:
        properties[operation.name] = operation.value
