"""Volumes: one module for rows, one for actions, one for schemas, one for views."""

from mycloud.api.volume.volumes import actions, rows

ROWS = [*rows.ROWS, *actions.ROWS]
