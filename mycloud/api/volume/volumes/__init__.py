"""Volumes: one module for rows, four for actions, one for schemas, one for views."""

from mycloud.api.volume.volumes import actions, data_actions, moving, rows, use_actions

ROWS = [*rows.ROWS, *actions.ROWS, *use_actions.ROWS, *data_actions.ROWS, *moving.ROWS]
