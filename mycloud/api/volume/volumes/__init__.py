"""Volumes: one module for rows, two for actions, one for schemas, one for views."""

from mycloud.api.volume.volumes import actions, rows, use_actions

ROWS = [*rows.ROWS, *actions.ROWS, *use_actions.ROWS]
