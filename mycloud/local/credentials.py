"""clouds.yaml: how the people on this machine reach their cloud."""

import dataclasses
from typing import Any

import yaml

from mycloud.common import clock
from mycloud.local.layout import Layout
from mycloud.local.settings import LocalError, Settings

MEMBER = "mycloud"
ADMIN = "mycloud-admin"


@dataclasses.dataclass(frozen=True)
class Passwords:
    """Of the user demo and of the user admin."""

    demo: str
    admin: str


def recall(layout: Layout) -> Passwords | None:
    """The passwords in clouds.yaml; None if there is no such file.

    :raises LocalError: the file is damaged
    """
    try:
        clouds = yaml.safe_load(layout.clouds.read_text())["clouds"]
        return Passwords(
            demo=clouds[MEMBER]["auth"]["password"], admin=clouds[ADMIN]["auth"]["password"]
        )
    except FileNotFoundError:
        return None
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise LocalError(
            f"{layout.clouds} is damaged ({error!r}); remove it to get new passwords"
        ) from error


def of(layout: Layout, name: str) -> dict[str, Any]:
    """What a client needs to be that cloud's user."""
    cloud: dict[str, Any] = yaml.safe_load(layout.clouds.read_text())["clouds"][name]
    return {**cloud["auth"], "region_name": cloud["region_name"]}


def invent() -> Passwords:
    """New random passwords."""
    return Passwords(demo=clock.secret(), admin=clock.secret())


def write(layout: Layout, settings: Settings, passwords: Passwords) -> None:
    """Write clouds.yaml; only its owner may read it."""
    document = {
        "clouds": {
            MEMBER: _cloud(settings, "demo", passwords.demo),
            ADMIN: _cloud(settings, "admin", passwords.admin),
        }
    }
    fresh = layout.clouds.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(yaml.safe_dump(document, sort_keys=False))
    fresh.replace(layout.clouds)


def _cloud(settings: Settings, name: str, password: str) -> dict[str, Any]:
    """Project and user have the same name."""
    return {
        "auth": {
            "auth_url": f"{settings.url}/identity",
            "username": name,
            "password": password,
            "project_name": name,
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        },
        "region_name": "RegionOne",
        "identity_api_version": 3,
    }
