"""Options of the authority that signs the certificates of hosts."""

from oslo_config import cfg

GROUP = "pki"

OPTS = [
    cfg.StrOpt(
        "authority_dir",
        help="The directory of the authority that signs the certificates of hosts; unset, "
        "$state_path/authority. Only the API and mycloud-manage need it.",
    ),
]
