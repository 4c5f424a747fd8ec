"""Servers: create, list, show, change, delete, and their actions."""

from mycloud.api.compute.servers import actions, rows

ROWS = [*rows.ROWS, *actions.ROWS]
