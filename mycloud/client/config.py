"""Which cloud, as whom: from arguments, clouds.yaml and OS_ variables.

Precedence, strongest first: arguments; the named cloud of clouds.yaml with its secure.yaml; the
OS_ variables. With a cloud named (by argument or OS_CLOUD) the variables only fill in the secret
or the certificates that it leaves out, never mix an identity out of two places. With none named,
the variables are the cloud if OS_AUTH_URL is set; else clouds.yaml's only cloud, or its cloud
called ``mycloud``.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mycloud.client import defaults
from mycloud.client.errors import ConfigError

#: OS_ variable -> key of clouds.yaml's ``auth`` part
_AUTH_VARIABLES = {
    "OS_AUTH_URL": "auth_url",
    "OS_USERNAME": "username",
    "OS_USER_ID": "user_id",
    "OS_PASSWORD": "password",
    "OS_TENANT_NAME": "project_name",
    "OS_TENANT_ID": "project_id",
    "OS_PROJECT_NAME": "project_name",
    "OS_PROJECT_ID": "project_id",
    "OS_USER_DOMAIN_NAME": "user_domain_name",
    "OS_USER_DOMAIN_ID": "user_domain_id",
    "OS_PROJECT_DOMAIN_NAME": "project_domain_name",
    "OS_PROJECT_DOMAIN_ID": "project_domain_id",
    "OS_DOMAIN_NAME": "domain_name",
    "OS_DOMAIN_ID": "domain_id",
    "OS_SYSTEM_SCOPE": "system_scope",
    "OS_TOKEN": "token",
    "OS_APPLICATION_CREDENTIAL_ID": "application_credential_id",
    "OS_APPLICATION_CREDENTIAL_NAME": "application_credential_name",
    "OS_APPLICATION_CREDENTIAL_SECRET": "application_credential_secret",
}
#: OS_ variable -> top-level key of a cloud in clouds.yaml
_TOP_VARIABLES = {
    "OS_AUTH_TYPE": "auth_type",
    "OS_REGION_NAME": "region_name",
    "OS_INTERFACE": "interface",
    "OS_ENDPOINT_TYPE": "interface",
    "OS_CACERT": "cacert",
    "OS_CERT": "cert",
    "OS_KEY": "key",
    "OS_INSECURE": "insecure",
    "OS_DEFAULT_DOMAIN": "default_domain",
}
_AUTH_KEYS = frozenset(_AUTH_VARIABLES.values())
_TOP_KEYS = frozenset(_TOP_VARIABLES.values()) | {"verify", "timeout"}
#: What a token can be for, by the keys that say it; one at a time.
_SCOPES = (("project_id", "project_name"), ("domain_id", "domain_name"), ("system_scope",))
_SECRETS = ("password", "token", "application_credential_secret")
_GAPS_AUTH = frozenset({"password", "application_credential_secret"})
_GAPS_TOP = frozenset({"cacert", "cert", "key", "insecure"})
_TRUE = frozenset({"1", "true", "yes", "on", "t", "y"})


@dataclass(frozen=True)
class CloudConfig:
    """One cloud and one identity in it.

    ``auth`` are the arguments of the identity plugin; ``verify`` is True, False or the path of a
    certificate bundle; ``timeout`` is for one HTTP exchange, in seconds.
    """

    name: str
    auth_type: str
    auth: Mapping[str, str] = field(repr=False)
    region: str | None = None
    interface: str = "public"
    verify: bool | str = True
    cert: str | tuple[str, str] | None = None
    timeout: float = defaults.HTTP_TIMEOUT

    @property
    def auth_url(self) -> str:
        return self.auth["auth_url"]


def load(
    cloud: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> CloudConfig:
    """Find the cloud and complete it.

    :raises ConfigError: says which place was looked in, what is missing and how to give it
    """
    environ = os.environ if environ is None else environ
    given = _split_overrides(overrides or {})
    name = cloud or environ.get("OS_CLOUD") or None
    if name == "envvars":
        name = None
    from_environment = _from_environment(environ)
    if name is None and (given["auth"].get("auth_url") or environ.get("OS_AUTH_URL")):
        name, chosen = "envvars", from_environment
    else:
        name, chosen = _from_files(name, environ)
        chosen = _fill_gaps(chosen, from_environment)
    merged = _merge(chosen, given)
    return _complete(name, merged)


def candidate_files(environ: Mapping[str, str], basename: str = "clouds") -> list[Path]:
    """Where clouds.yaml is looked for, in order; the last is what ``mycloud up`` writes."""
    home = Path(environ.get("HOME") or Path.home())
    config_home = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    state_home = Path(environ.get("XDG_STATE_HOME") or home / ".local" / "state")
    folders = [
        Path("."),
        config_home / "openstack",
        Path("/etc/openstack"),
        state_home / "mycloud",
        Path("/var/lib/mycloud"),
    ]
    files = [folder / f"{basename}{suffix}" for folder in folders for suffix in (".yaml", ".yml")]
    variable = "OS_CLIENT_CONFIG_FILE" if basename == "clouds" else "OS_CLIENT_SECURE_FILE"
    if environ.get(variable):
        files.insert(0, Path(environ[variable]))
    return files


def _split_overrides(overrides: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {"auth": dict(overrides.get("auth") or {})}
    for key, value in overrides.items():
        if key == "auth" or value is None:
            continue
        if key in _AUTH_KEYS:
            result["auth"][key] = value
        elif key in _TOP_KEYS:
            result[key] = value
        else:
            known = ", ".join(sorted(_AUTH_KEYS | _TOP_KEYS))
            raise ConfigError(f"'{key}' is not an option of a cloud; known are: {known}")
    return result


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {
        key: environ[variable] for variable, key in _TOP_VARIABLES.items() if environ.get(variable)
    }
    result["auth"] = {
        key: environ[variable]
        for variable, key in _AUTH_VARIABLES.items()
        if environ.get(variable)
    }
    return result


def _from_files(name: str | None, environ: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    files = candidate_files(environ)
    path, document = _first_readable(files)
    if path is None:
        if environ.get("OS_CLIENT_CONFIG_FILE"):
            raise ConfigError(
                f"OS_CLIENT_CONFIG_FILE names {environ['OS_CLIENT_CONFIG_FILE']}, and neither "
                "that file nor one in a standard place exists"
            )
        looked = "it was looked for" if name else "OS_AUTH_URL is not set and it was looked for"
        raise ConfigError(
            f"No clouds.yaml was found ({looked} in {_folders(files)}). Start a cloud with "
            "'mycloud up', or set OS_CLIENT_CONFIG_FILE or OS_AUTH_URL"
        )
    clouds = document.get("clouds")
    if not isinstance(clouds, dict) or not clouds:
        raise ConfigError(f"{path} has no 'clouds' in it")
    if name is None:
        name = next(iter(clouds)) if len(clouds) == 1 else "mycloud"
        if name not in clouds:
            raise ConfigError(
                f"{path} has several clouds ({', '.join(clouds)}): choose one with --os-cloud "
                "or OS_CLOUD"
            )
    if name not in clouds:
        raise ConfigError(f"{path} has no cloud '{name}'; it has: {', '.join(map(str, clouds))}")
    chosen = clouds[name]
    if not isinstance(chosen, dict):
        raise ConfigError(f"{path}: cloud '{name}' must be a mapping")
    if chosen.get("profile"):
        raise ConfigError(
            f"{path}: cloud '{name}' uses a vendor profile, which mycloud doesn't read; "
            "write its auth_url into the cloud itself"
        )
    _, secure = _first_readable(candidate_files(environ, "secure"))
    hidden = (secure.get("clouds") or {}).get(name) or {}
    return name, _merge(_hoist_auth(chosen), _hoist_auth(hidden))


def _first_readable(files: Iterable[Path]) -> tuple[Path | None, dict[str, Any]]:
    # PyYAML takes longer to import than the rest of this module
    import yaml

    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ConfigError(f"{path} can't be read: {error.strerror}") from error
        try:
            document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.YAMLError as error:
            raise ConfigError(f"{path} is not valid YAML: {error}") from error
        if not isinstance(document, dict):
            raise ConfigError(f"{path} must hold a mapping with 'clouds' in it")
        return path, document
    return None, {}


def _hoist_auth(cloud: Mapping[str, Any]) -> dict[str, Any]:
    """Move identity keys that stand beside ``auth`` into it, as other clients accept them."""
    result = dict(cloud)
    auth = dict(result.get("auth") or {})
    for key in _AUTH_KEYS & result.keys():
        auth.setdefault(key, result.pop(key))
    result["auth"] = auth
    return result


def _fill_gaps(chosen: dict[str, Any], environment: dict[str, Any]) -> dict[str, Any]:
    gaps = {key: environment[key] for key in _GAPS_TOP & environment.keys()}
    if not any(chosen["auth"].get(secret) for secret in _SECRETS):
        given = environment["auth"]
        gaps["auth"] = {key: given[key] for key in _GAPS_AUTH & given.keys()}
    return _merge(gaps, chosen)


def _merge(weak: Mapping[str, Any], strong: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**weak, **strong}
    merged["auth"] = _merge_auth(weak.get("auth") or {}, strong.get("auth") or {})
    return merged


def _merge_auth(weak: Mapping[str, Any], strong: Mapping[str, Any]) -> dict[str, Any]:
    """A stronger place that names a project, user or domain replaces the name and the id; one
    that says what to act on (a project, a domain, the system) replaces all of that."""
    kept = dict(weak)
    if any(strong.get(key) for keys in _SCOPES for key in keys):
        for keys in _SCOPES:
            if not any(strong.get(key) for key in keys):
                for key in keys:
                    kept.pop(key, None)
    for thing in ("project", "user_domain", "project_domain", "domain"):
        if strong.get(f"{thing}_id") or strong.get(f"{thing}_name"):
            kept.pop(f"{thing}_id", None)
            kept.pop(f"{thing}_name", None)
    if strong.get("username") or strong.get("user_id"):
        kept.pop("username", None)
        kept.pop("user_id", None)
    return {**kept, **strong}


def _complete(name: str, cloud: Mapping[str, Any]) -> CloudConfig:
    auth = {key: str(value) for key, value in cloud["auth"].items() if value not in (None, "")}
    if auth.get("system_scope") == "true":
        auth["system_scope"] = "all"
    auth_type = str(cloud.get("auth_type") or _infer_auth_type(auth))
    _require(name, auth_type, auth)
    default_domain = str(cloud.get("default_domain") or "default")
    if "username" in auth and not {"user_domain_id", "user_domain_name"} & auth.keys():
        auth["user_domain_id"] = default_domain
    if "project_name" in auth and not {"project_domain_id", "project_domain_name"} & auth.keys():
        auth["project_domain_id"] = default_domain
    cert, key = cloud.get("cert"), cloud.get("key")
    return CloudConfig(
        name=name,
        auth_type=auth_type,
        auth=auth,
        region=cloud.get("region_name") or None,
        interface=str(cloud.get("interface") or "public").removesuffix("URL"),
        verify=_verify(cloud),
        cert=(str(cert), str(key)) if cert and key else cert,
        timeout=_timeout(name, cloud.get("timeout")),
    )


def _timeout(name: str, value: Any) -> float:
    try:
        seconds = defaults.HTTP_TIMEOUT if value is None else float(value)
    except (TypeError, ValueError):
        seconds = 0.0
    if seconds <= 0:
        raise ConfigError(f"Cloud '{name}': timeout is {value!r}, it must be seconds above 0")
    return seconds


def _infer_auth_type(auth: Mapping[str, str]) -> str:
    if "application_credential_secret" in auth:
        return "v3applicationcredential"
    if "token" in auth and "password" not in auth:
        return "token"
    return "password"


def _require(name: str, auth_type: str, auth: Mapping[str, str]) -> None:
    where = "the environment" if name == "envvars" else f"cloud '{name}'"
    missing = [] if "auth_url" in auth else ["auth_url (--os-auth-url or OS_AUTH_URL)"]
    if auth_type.endswith("password"):
        if not {"username", "user_id"} & auth.keys():
            missing.append("username (--os-username or OS_USERNAME)")
        if "password" not in auth:
            missing.append("password (--os-password or OS_PASSWORD)")
    elif auth_type.endswith("token") and "token" not in auth:
        missing.append("token (--os-token or OS_TOKEN)")
    if missing:
        raise ConfigError(f"To log in, {where} lacks {' and '.join(missing)}")


def _verify(cloud: Mapping[str, Any]) -> bool | str:
    if _is_true(cloud.get("insecure")) or cloud.get("verify") is False:
        return False
    if isinstance(cloud.get("verify"), str) and cloud["verify"].lower() in ("false", "no", "0"):
        return False
    return str(cloud["cacert"]) if cloud.get("cacert") else True


def _is_true(value: Any) -> bool:
    return value is True or str(value).lower() in _TRUE


def _folders(files: Iterable[Path]) -> str:
    return ", ".join(dict.fromkeys(str(path.parent) for path in files))
