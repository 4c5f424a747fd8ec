"""Quotas that hold where neither the project nor the default class says otherwise."""

from oslo_config import cfg

GROUP = "quota"

_LIMITS = (
    ("instances", 10, "Servers of a project."),
    ("cores", 20, "Virtual CPUs of a project's servers."),
    ("ram", 51200, "Memory of a project's servers in MiB."),
    ("metadata_items", 128, "Metadata items of a server or an image."),
    ("injected_files", 5, "Files that may be put into a new server."),
    ("injected_file_content_bytes", 10240, "Bytes of one such file."),
    ("injected_file_path_bytes", 255, "Bytes of the path of one such file."),
    ("key_pairs", 100, "Key pairs of a user."),
    ("server_groups", 10, "Server groups of a project."),
    ("server_group_members", 10, "Servers in one server group."),
)

OPTS = [
    cfg.IntOpt(name, default=default, min=-1, max=2147483647, help=f"{text} -1: no limit.")
    for name, default, text in _LIMITS
]
