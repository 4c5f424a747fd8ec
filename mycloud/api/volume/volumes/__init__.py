"""Volumes: one module for rows, three for actions, one for schemas, one for views."""

from mycloud.api.volume.volumes import actions, data_actions, rows, use_actions

ROWS = [*rows.ROWS, *actions.ROWS, *use_actions.ROWS, *data_actions.ROWS]
