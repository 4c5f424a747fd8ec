"""Volumes: one module for rows, one for schemas, one for views."""

from mycloud.api.volume.volumes import rows

ROWS = rows.ROWS
