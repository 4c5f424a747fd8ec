"""What ``mycloud up`` says in the end: what runs, and how to go on."""

import os
import sys
from pathlib import Path

from mycloud.local import first_server as first
from mycloud.local import first_volume, status
from mycloud.local.layout import Layout


def of(layout: Layout, *, first_server: bool) -> str:
    """A table of what runs, where clouds.yaml is, and three commands to try."""
    found = status.of(layout)
    rows = [("cloud", found["health"], found["url"])]
    rows += [
        (name, "runs" if pid else "does not run", f"pid {pid}" if pid else "")
        for name, pid in found["pids"].items()
    ]
    if first_server:
        rows.append((f"server {first.SERVER}", "runs", f"image {first.IMAGE}, project demo"))
        rows.append((f"volume {first_volume.VOLUME}", "attached", f"to {first.SERVER}"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    table = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    program = _short(Path(sys.argv[0]).absolute())
    tries = [
        f"{program} server list",
        f"{program} server console log {first.SERVER}"
        if first_server
        else f"{program} image list",
        f"{program} operation list",
    ]
    return "\n".join(
        [
            *table,
            "",
            f"clouds.yaml: {layout.clouds}",
            "",
            "Try:",
            f"  export OS_CLIENT_CONFIG_FILE={layout.clouds} OS_CLOUD=mycloud",
            *(f"  {command}" for command in tries),
            "",
        ]
    )


def _short(program: Path) -> str:
    """The program as it can be typed here."""
    try:
        return f"{program.relative_to(os.getcwd())}"
    except ValueError:
        return str(program)
