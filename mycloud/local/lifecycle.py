"""Starting and stopping a cloud on this machine."""

import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import requests
from oslo_concurrency import lockutils
from oslo_config import cfg

from mycloud import client, conf
from mycloud.client import errors
from mycloud.common import clock, concurrency, context, exceptions, log_setup
from mycloud.db import engine
from mycloud.db.migrations import upgrade, version
from mycloud.identity import bootstrap
from mycloud.local import (
    agent_ports,
    certificates,
    configuration,
    credentials,
    former,
    guest_image,
    guests,
    privileged,
    service_user,
    supervisor,
)
from mycloud.local.layout import Layout
from mycloud.local.settings import LocalError, Settings, Tell, load, save
from mycloud.volume.exports import board
from mycloud.volume.requests import types

#: Seconds until the API must answer; a libvirtd that asks QEMU for the first time takes its time.
START_SECONDS = 120
_KVM = Path("/dev/kvm")

def up(layout: Layout, settings: Settings, tell: Tell) -> bool:
    """Start what does not run yet; False if everything ran already.

    Where root starts it, this process is the services' user in the end.

    :raises LocalError: it can't be started; says what to do
    """
    service_user.check_owner(layout, settings)
    if layout.node.exists():
        raise LocalError(
            f"{layout.state} is that of a machine of a cloud elsewhere: 'mycloud node start' "
            "starts it; choose another --state for a cloud of its own"
        )
    wanted = supervisor.wanted(layout, settings)
    running = [process for process in wanted if process.pid(layout) is not None]
    before = load(layout)
    if running and before != settings:
        raise LocalError(
            f"The cloud in {layout.state} runs with other settings; 'mycloud down "
            f"--state {layout.state}' first"
        )
    if not running:
        _check_port(settings)
    helped = _give_up_root(layout, settings, tell) if service_user.is_root() else False
    if len(running) == len(wanted):
        return helped
    layout.make(passable=settings.user is not None)
    settings = agent_ports.assigned(settings)
    save(layout, settings)
    configuration.write(layout, settings)
    if settings.hypervisor == "libvirt":
        prepare_proof(layout, tell)
    _prepare_database(layout, settings, tell)
    certificates.ensure(layout, settings, tell)
    for process in wanted:
        if process.pid(layout) is None:
            tell(f"Starting {process.name}")
            supervisor.start(layout, process)
    _wait_ready(layout, settings, wanted, tell)
    for host in settings.hosts:
        guests.show_pids(layout, host)
    return True


def _give_up_root(layout: Layout, settings: Settings, tell: Tell) -> bool:
    """Do what needs root, then be the services' user; whether the root helper was started."""
    if settings.user is None:
        raise LocalError("Services don't run as root; name an ordinary user by --user")
    account = service_user.ensure(settings.user, tell)
    service_user.check_reach(account, layout)
    if not service_user.owns(account, layout):
        _check_idle(layout)
        former.hand_over(layout)
    service_user.hand_over(account, layout, tell)
    started = privileged.pid(layout) is None
    if started:
        tell(f"Starting {privileged.NAME}")
        privileged.start(layout, account)
    service_user.become(account, layout)
    return started


def _check_idle(layout: Layout) -> None:
    """:raises LocalError: guests or their daemons run on, as the user before"""
    before = load(layout)
    for host in before.hosts if before is not None else ():
        libvirtd = guests.daemon(layout, host)
        found = libvirtd.status() if libvirtd is not None else None
        if former.RootLibvirtd(layout.host(host)).runs() or (
            found is not None and (found.libvirtd or found.virtlogd or found.guests)
        ):
            raise LocalError(
                f"Guests of host {host} or their libvirtd run on as another user; before that "
                f"changes: mycloud down --state {layout.state}"
            )


def prepare_proof(layout: Layout, tell: Tell) -> None:
    """KVM, where it is, is used only if the tiny guest has booted in it."""
    if not _KVM.exists():
        return
    try:
        guest_image.ensure(layout, tell)
    except LocalError as error:
        tell(f"KVM can't be tried, guests will be slow: {error}")


def _check_port(settings: Settings) -> None:
    """:raises LocalError: another program listens there"""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.listen, settings.port))
        except OSError as error:
            raise LocalError(
                f"Port {settings.port} can't be used ({error.strerror}); choose another by --port"
            ) from error


def _prepare_database(layout: Layout, settings: Settings, tell: Tell) -> None:
    """Bring the schema up to date, and make the first identities of a new cloud."""
    open_database(layout, settings)
    try:
        with context.role(context.MANAGE):
            have = version.current()
            if have != version.wanted():
                tell("Making the database" if have is None else "Updating the database")
                upgrade.sync()
            passwords = credentials.recall(layout)
            if have != version.wanted() or passwords is None:
                # newer code may have more in its catalog
                passwords = passwords or credentials.invent()
                bootstrap.run(passwords.admin)
                bootstrap.ensure_user("demo", "demo", passwords.demo, ["member"])
                types.ensure_default()
        credentials.write(layout, settings, passwords)
    except exceptions.MycloudError as error:
        raise LocalError(error.message) from error
    finally:
        engine.unconfigure()


def open_database(layout: Layout, settings: Settings) -> None:
    """Read the cloud's options and configure its database in this process."""
    conf.register_all()
    log_setup.register()
    try:
        cfg.CONF(
            ["--config-dir", str(layout.config_dir)],
            project="mycloud",
            default_config_files=[str(layout.config)],
        )
    except cfg.Error as error:
        raise LocalError(f"{layout.config_dir}: {error}") from error
    lockutils.set_defaults(str(layout.state / "locks"))
    engine.configure(configuration.database_url(layout, settings))


def answers(settings: Settings, *, timeout: float = 2) -> bool:
    """Whether the API answers."""
    try:
        return requests.get(f"{settings.url}/identity/v3", timeout=timeout).status_code == 200
    except requests.RequestException:
        return False


def _wait_ready(
    layout: Layout, settings: Settings, wanted: list[supervisor.Process], tell: Tell
) -> None:
    """:raises LocalError: a process ended, or the API does not answer in time"""
    until = clock.monotonic() + START_SECONDS
    # in one process the API listens when everything else is ready
    ready = _hosts_up(layout, settings) if settings.processes else lambda: answers(settings)
    while not ready():
        for process in wanted:
            if process.pid(layout) is None:
                for line in supervisor.last_words(layout, process):
                    tell(line)
                raise LocalError(f"{process.name} has ended; see {process.log(layout)}")
        if clock.monotonic() > until:
            raise LocalError(
                f"The cloud at {settings.url} is not ready after {START_SECONDS} s; see "
                f"{layout.logs}"
            )
        concurrency.sleep(0.05)


def _hosts_up(layout: Layout, settings: Settings) -> Callable[[], bool]:
    """A question: whether servers can be placed on all compute hosts."""
    admin = client.connect(None, **credentials.of(layout, credentials.ADMIN))

    def ask() -> bool:
        if not answers(settings):
            return False
        try:
            # a host is listed once it has said what it has
            up = {host.service_host for host in admin.hosts.list() if host.state == "up"}
        except errors.ClientError:
            return False
        return up >= set(settings.hosts)

    return ask


def down(layout: Layout, tell: Tell, *, keep_guests: bool = False) -> bool:
    """Stop the cloud; disks and database stay. False if nothing ran.

    :param keep_guests: let guests (and the private libvirtd they live under) run on
    """
    settings = load(layout)
    if settings is None:
        return False
    service_user.check_owner(layout, settings)
    ended = supervisor.stop(layout, supervisor.wanted(layout, settings))
    for name in ended:
        tell(f"{name} has ended")
    if not keep_guests:
        for host in settings.hosts:
            ended += guests.end(layout, host, tell)
        for backend in sorted(layout.backends.glob("*")):
            exports = board.halt(backend)
            if exports:
                tell(f"{exports} export(s) of {backend.name} have ended")
    return bool(ended)


def down_as_root(layout: Layout, tell: Tell, words: list[str]) -> int | None:
    """Where root stops a cloud that has a user: the command as that user, then the root helper.

    :param words: the command that stops the cloud
    :returns: its exit status; None where there is no such user
    """
    settings = load(layout)
    if not service_user.is_root() or settings is None or settings.user is None:
        return None
    status = service_user.run_command(layout, settings, words)
    if status == 0 and privileged.stop(layout):
        tell(f"{privileged.NAME} has ended")
    return status


def remove(layout: Layout) -> bool:
    """Remove the state directory of a cloud that is stopped; False if there is none.

    :raises LocalError: the cloud runs, or the directory is not one of ours
    """
    if not layout.state.exists():
        return False
    settings = load(layout)
    if settings is None:
        raise LocalError(
            f"{layout.state} is not the state directory of a cloud; nothing is removed"
        )
    wanted = supervisor.wanted(layout, settings)
    if privileged.pid(layout) or any(process.pid(layout) for process in wanted):
        raise LocalError(f"The cloud in {layout.state} runs; 'mycloud down' first")
    shutil.rmtree(layout.state)
    return True
