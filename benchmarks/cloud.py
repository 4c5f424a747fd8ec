"""A cloud to measure: started by ``mycloud up`` with the fake hypervisor, in a directory of its
own, and stopped and removed at the end."""

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.client import Client

_COMMAND = Path(sys.executable).with_name("mycloud")
_IMAGE_BYTES = b"\0" * (1 << 20)
_TICKS = os.sysconf("SC_CLK_TCK")


class Cloud:
    """Use it as a context manager. ``options``: more arguments for ``mycloud up``."""

    def __init__(self, options: list[str]):
        self.options = options
        self.flavor = self.image = ""

    def __enter__(self) -> "Cloud":
        self.state = Path(tempfile.mkdtemp(prefix="mycloud-bench-"))
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        try:
            #: seconds (and of CPU) from the command to the first answer: of a new cloud, and of
            #: one that was there
            self.first_start = self._start()
            self._command("down")
            self.second_start = self._start()
            clouds = yaml.safe_load((self.state / "clouds.yaml").read_text())["clouds"]
            self._auth = clouds["mycloud-admin"]["auth"]
            self.token = self.login()
            self._prepare()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *reason: Any) -> None:
        self._end()

    def _end(self) -> None:
        self._command("down")
        shutil.rmtree(self.state)

    def _command(self, *words: str) -> None:
        arguments = [str(_COMMAND), words[0], "--state", str(self.state), *words[1:]]
        subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)

    def _start(self) -> tuple[float, float]:
        begun, before = time.perf_counter(), _children_cpu()
        up = ["up", "--hypervisor", "fake", "--port", str(self.port), *self.options]
        arguments = [str(_COMMAND), up[0], "--state", str(self.state), *up[1:]]
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
        while not self._answers():
            if process.poll():
                raise RuntimeError(f"mycloud up has failed with {process.returncode}")
            time.sleep(0.01)
        took = time.perf_counter() - begun
        process.wait()
        return took, self.cpu() + _children_cpu() - before

    def _answers(self) -> bool:
        try:
            status, _, _ = Client(self.url).ask("GET", "/compute/v2.1/")
        except OSError:
            return False
        return status == 200

    # -- asking --------------------------------------------------------------------------------

    def password(self) -> dict[str, Any]:
        """The body of a login by password."""
        user = {
            "name": self._auth["username"],
            "domain": {"name": self._auth["user_domain_name"]},
            "password": self._auth["password"],
        }
        return {"auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": self._project()},
        }}  # fmt: skip

    def rescope(self) -> dict[str, Any]:
        """The body of a login by a token that there is."""
        return {"auth": {
            "identity": {"methods": ["token"], "token": {"id": self.token}},
            "scope": {"project": self._project()},
        }}  # fmt: skip

    def application_credential(self) -> dict[str, Any]:
        """The body of a login by a new application credential of the administrator."""
        identity = self.client("/identity/v3")
        user = self.validated["user"]["id"]
        made = identity.call(
            "POST",
            f"/users/{user}/application_credentials",
            {"application_credential": {"name": "bench", "roles": [{"name": "admin"}]}},
        )["application_credential"]
        return {"auth": {"identity": {
            "methods": ["application_credential"],
            "application_credential": {"id": made["id"], "secret": made["secret"]},
        }}}  # fmt: skip

    def _project(self) -> dict[str, Any]:
        return {
            "name": self._auth["project_name"],
            "domain": {"name": self._auth["project_domain_name"]},
        }

    def login(self) -> str:
        """:raises RuntimeError: when it is refused"""
        status, headers, content = Client(self.url).ask(
            "POST", "/identity/v3/auth/tokens", self.password()
        )
        if status != 201:
            raise RuntimeError(f"login: {status} {content[:300]!r}")
        self.validated = json.loads(content)["token"]
        return str(headers["X-Subject-Token"])

    def client(self, path: str) -> Client:
        return Client(
            self.url + path,
            {"X-Auth-Token": self.token, "OpenStack-API-Version": "compute 2.60"},
        )

    def compute(self) -> Client:
        return self.client("/compute/v2.1")

    def volume(self) -> Client:
        return Client(
            f"{self.url}/volume/v3",
            {"X-Auth-Token": self.token, "OpenStack-API-Version": "volume 3.59"},
        )

    def allow_volumes(self) -> None:
        """Let the project have as many volumes as it likes."""
        project = self.validated["project"]["id"]
        unlimited = {"volumes": -1, "gigabytes": -1}
        self.volume().call("PUT", f"/os-quota-sets/{project}", {"quota_set": unlimited})

    def anonymous(self) -> Client:
        return Client(f"{self.url}/identity/v3")

    def _prepare(self) -> None:
        compute, image = self.compute(), self.client("/image/v2")
        flavor = {"name": "bench", "ram": 64, "vcpus": 1, "disk": 1}
        self.flavor = compute.call("POST", "/flavors", {"flavor": flavor})["flavor"]["id"]
        wanted = {"name": "bench", "disk_format": "raw", "container_format": "bare"}
        self.image = image.call("POST", "/images", wanted)["id"]
        status, _, content = image.ask(
            "PUT", f"/images/{self.image}/file", _IMAGE_BYTES, kind="application/octet-stream"
        )
        if status != 204:
            raise RuntimeError(f"upload: {status} {content[:300]!r}")
        unlimited = dict.fromkeys(("instances", "cores", "ram"), -1)
        project = self.validated["project"]["id"]
        compute.call("PUT", f"/os-quota-sets/{project}", {"quota_set": unlimited})

    # -- measuring -----------------------------------------------------------------------------

    def pids(self) -> list[int]:
        """The cloud's processes with their children."""
        roots = [int(path.read_text()) for path in (self.state / "run").glob("*.pid")]
        parents = {pid: _stat(pid)[1] for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
                   if _stat(pid)}
        found = set(roots)
        while more := {pid for pid, ppid in parents.items() if ppid in found} - found:
            found |= more
        return sorted(found)

    def cpu(self) -> float:
        """Seconds of CPU that the cloud has used up to now."""
        return sum(sum(map(int, stat[11:13])) / _TICKS for stat in map(_stat, self.pids()) if stat)

    def memory_mib(self) -> float:
        """The proportional set size of all processes."""
        total = 0
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        return total / 1024


def _children_cpu() -> float:
    """Seconds of CPU of the commands that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _stat(pid: int) -> list[Any]:
    """The fields of /proc/PID/stat after the name; [] if the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    fields: list[Any] = text.rsplit(")", 1)[1].split()
    return [fields[0], int(fields[1]), *fields[2:]]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
