"""Options of the identity service."""

from oslo_config import cfg

GROUP = "identity"

OPTS = [
    cfg.IntOpt(
        "bcrypt_rounds",
        default=12,
        min=4,
        max=16,
        help="The cost of a password hash as a power of two.",
    ),
    cfg.IntOpt("token_expiration", default=86400, min=60, help="Seconds that a token is valid."),
]
