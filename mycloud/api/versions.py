"""Microversions: append-only. A version is advertised only when all of it is true here."""

from dataclasses import dataclass
from typing import NamedTuple

import microversion_parse

from mycloud.common import exceptions


class Version(NamedTuple):
    """A microversion; compares as numbers do."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> "Version":
        """:raises BadField: if it is not MAJOR.MINOR"""
        parts = text.split(".")
        if len(parts) != 2 or not all(
            part.isascii() and part.isdigit() and len(part) < 6 for part in parts
        ):
            raise exceptions.BadField(
                field="OpenStack-API-Version",
                reason=f"API Version String {text[:50]} is of invalid format. Must be of format "
                "MajorNum.MinorNum.",
            )
        return cls(int(parts[0]), int(parts[1]))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


@dataclass(frozen=True)
class VersionRange:
    """What a service speaks. ``name`` is the word in the header; ``legacy`` an older header."""

    name: str
    minimum: Version
    maximum: Version
    legacy: str | None = None

    @property
    def spoken(self) -> bool:
        """Whether requests may name a version, and answers do."""
        return self.name != "none"

    def negotiate(self, headers: dict[str, str]) -> Version:
        """The version that a request asks for; the lowest one if it names none.

        :raises BadField: when it is no version
        :raises NotAcceptable: when it is out of the range
        """
        legacy = [self.legacy] if self.legacy else []
        text = microversion_parse.get_version(
            headers, service_type=self.name, legacy_headers=legacy
        )
        if text is None:
            return self.minimum
        if text == "latest":
            return self.maximum
        version = Version.parse(text)
        if not self.minimum <= version <= self.maximum:
            raise exceptions.NotAcceptable(
                version=text, minimum=self.minimum, maximum=self.maximum
            )
        return version

    def answer_headers(self, version: Version) -> dict[str, str]:
        """The headers that tell a client which version it was answered in."""
        headers = {
            "OpenStack-API-Version": f"{self.name} {version}",
            "Vary": "OpenStack-API-Version",
        }
        if self.legacy:
            headers[self.legacy] = str(version)
            headers["Vary"] += f", {self.legacy}"
        return headers


COMPUTE = VersionRange(
    "compute", Version(2, 1), Version(2, 60), legacy="X-OpenStack-Nova-API-Version"
)
VOLUME = VersionRange("volume", Version(3, 0), Version(3, 71))

#: For services without microversions.
NONE = VersionRange("none", Version(1, 0), Version(1, 0))
#: compute's v2: what 2.1 does, whatever version a request names.
COMPUTE_V2 = VersionRange("none", Version(2, 1), Version(2, 1))
