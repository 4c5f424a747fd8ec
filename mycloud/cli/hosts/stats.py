"""``mycloud host stats``: how busy a host is, once or again and again."""

import argparse
import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TextIO

from mycloud.cli.columns import size_text
from mycloud.cli.command import Command
from mycloud.cli.exits import DONE, UsageError
from mycloud.common import concurrency

_SHORTEST_SECONDS = 1.0
Document = Mapping[str, Any]


class HostStats(Command):
    """Show how busy a host is, and each server on it (administrators)

    Rates are those since the host's sample before. With --follow, Ctrl-C ends it.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("host", metavar="HOST", help="name or id")
        parser.add_argument(
            "-f", "--format", choices=("table", "json"), default="table",
            help="json: the host's own document, one a line with --follow",
        )
        parser.add_argument("--follow", action="store_true", help="show them again and again")
        parser.add_argument(
            "--interval", type=float, default=5.0, metavar="SECONDS",
            help="between two looks with --follow (default: 5)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        if parsed_args.interval < _SHORTEST_SECONDS:
            raise UsageError(f"--interval: at least {_SHORTEST_SECONDS:g} s")
        stats, host = self.client.hosts.stats, parsed_args.host
        if parsed_args.format == "json":
            shown = _json(self.app.stdout)
        elif parsed_args.follow and self.app.stdout.isatty():
            shown = _in_place(self.app.stdout)
        else:
            shown = _plain(self.app.stdout)
        with shown as show:
            show(stats(host))
            # whoever follows ends it so
            with contextlib.suppress(KeyboardInterrupt):
                while parsed_args.follow:
                    concurrency.sleep(parsed_args.interval)
                    show(stats(host))
        return DONE


Show = Callable[[Document], None]


@contextlib.contextmanager
def _json(stream: TextIO) -> Iterator[Show]:
    import json

    def show(document: Document) -> None:
        stream.write(f"{json.dumps(document)}\n")
        stream.flush()

    yield show


@contextlib.contextmanager
def _plain(stream: TextIO) -> Iterator[Show]:
    def show(document: Document) -> None:
        stream.write("".join(f"{line}\n" for line in lines(document)))
        stream.flush()

    yield show


@contextlib.contextmanager
def _in_place(stream: TextIO) -> Iterator[Show]:
    """A terminal: the same place is drawn again."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(file=stream), auto_refresh=False, transient=False) as live:
        yield lambda document: live.update(Text("\n".join(lines(document))), refresh=True)


def lines(document: Document) -> Iterator[str]:
    """A host's document of host.stats for a person."""
    cpu, memory, load = document["cpu"], document["memory"], document["load"]
    yield (
        f"{document['host']}  {document['taken_at']}  CPU {_percent(cpu['used_percent'])} of "
        f"{cpu['cpus']}  load {' '.join(f'{each:.2f}' for each in load)}  "
        f"memory {_percent(memory['used_percent'])} of {size_text(memory['total_bytes'])}"
    )
    for each in document["file_systems"]:
        yield (
            f"  {each['path']}: {size_text(each['free_bytes'])} free of "
            f"{size_text(each['size_bytes'])}"
        )
    for each in document["disks"]:
        yield (
            f"  disk {each['device']}: reads {_bytes_rate(each['read_bytes_per_s'])}, "
            f"writes {_bytes_rate(each['write_bytes_per_s'])}"
        )
    for each in document["networks"]:
        yield (
            f"  network {each['device']}: receives {_bytes_rate(each['rx_bytes_per_s'])}, "
            f"sends {_bytes_rate(each['tx_bytes_per_s'])}"
        )
    if not document["hypervisor"]["answers"]:
        yield f"  the servers are not known: {document['hypervisor']['reason']}"
    for each in document["servers"]:
        yield f"  {_server(each)}"


def _server(server: Document) -> str:
    used, given = server["memory_used_bytes"], server["memory_bytes"]
    memory = f"{size_text(used)} of " if used is not None else ""
    return (
        f"server {server['name']} ({server['server_id']}) {server['power_state']}  "
        f"CPU {_percent(server['cpu_percent'])}  memory {memory}{size_text(given)}  "
        f"disks {_sum_rate(server['disks'], 'read_bytes_per_s')} read, "
        f"{_sum_rate(server['disks'], 'write_bytes_per_s')} written  "
        f"network {_sum_rate(server['nics'], 'rx_bytes_per_s')} in, "
        f"{_sum_rate(server['nics'], 'tx_bytes_per_s')} out"
    )


def _sum_rate(devices: list[Document], name: str) -> str:
    known = [each[name] for each in devices if each[name] is not None]
    return _bytes_rate(sum(known) if known or not devices else None)


def _bytes_rate(value: float | None) -> str:
    return "-" if value is None else f"{size_text(round(value))}/s"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} %"
