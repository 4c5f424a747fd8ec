"""What all nouns of the client have in common: get, list, find by name or id, delete."""

import abc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from mycloud.client import errors
from mycloud.client.transport import Answer, Transport, segment


class Named(Protocol):
    """A thing with an id and a name."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


@dataclass(frozen=True)
class Accepted:
    """What the cloud took on: which resource, and the operation that does it.

    ``operation_id`` is None on a cloud without operations, and for what is done at once.
    """

    resource_id: str
    operation_id: str | None = None
    request_id: str | None = None

    @classmethod
    def of(cls, resource_id: str, answer: Answer) -> "Accepted":
        return cls(resource_id, answer.operation_id, answer.request_id)


class Collection(abc.ABC, Generic[T]):
    """The resources of one noun.

    A child names the service, the path below it, the word around one element and around the
    list, and builds its dataclass.
    """

    service: ClassVar[str]
    path: ClassVar[str]
    noun: ClassVar[str]
    key: ClassVar[str]
    keys: ClassVar[str]

    def __init__(self, transport: Transport):
        self._transport = transport

    @abc.abstractmethod
    def _build(self, document: Mapping[str, Any]) -> T:
        """The typed resource of an element of an answer."""

    def _one(self, document: Any) -> T:
        return self._build(document[self.key])

    def url(self, resource_id: str, *more: str) -> str:
        """The path of one resource or of something below it."""
        return "/".join([self.path, segment(resource_id), *more])

    def get(self, resource_id: str) -> T:
        """:raises NotFound: if there is no such id"""
        return self._one(self._transport.get(self.service, self.url(resource_id)))

    def list(self, **filters: Any) -> Iterator[T]:
        """Those that match the service's own filters, fetched page by page as they are used."""
        for document in self._transport.pages(self.service, self.path, self.keys, filters):
            yield self._build(document)

    def find(self, name_or_id: str) -> T:
        """The one with this id, else the one with this name.

        :raises NotFound: if there is none
        :raises AmbiguousName: if several have the name
        """
        try:
            return self.get(name_or_id)
        except (errors.NotFound, errors.BadRequest, errors.Forbidden):
            # a name where an id belongs is answered with 404, 400 or 403, by service
            pass
        matching = self.named(name_or_id)
        if not matching:
            raise errors.NotFound.named(self.noun, name_or_id)
        if len(matching) > 1:
            raise errors.AmbiguousName(self.noun, name_or_id, [one.id for one in matching])
        return matching[0]

    def named(self, name: str) -> Sequence[T]:
        """All that have this name."""
        return [one for one in self._candidates(name) if one.name == name]

    def _candidates(self, name: str) -> Iterator[T]:
        """A superset of those called ``name``, as small as the service's filters allow."""
        return self.list(name=name)

    def delete(self, resource_id: str) -> Accepted:
        """:raises NotFound: if there is no such id"""
        answer = self._transport.delete(self.service, self.url(resource_id))
        return Accepted.of(resource_id, answer)
