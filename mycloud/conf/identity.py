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
    cfg.IntOpt(
        "fernet_max_active_keys",
        default=3,
        min=3,
        help="Keys that tokens are read with: the next one, the current one and older ones. A "
        "token outlives as many rotations as there are older keys.",
    ),
    cfg.IntOpt(
        "token_cache_size",
        default=10000,
        min=1,
        help="Checked tokens that an API process remembers at most.",
    ),
    cfg.IntOpt(
        "token_cache_seconds",
        default=5,
        min=0,
        help="Seconds after which a remembered token is checked again in any case.",
    ),
    cfg.FloatOpt(
        "revocation_poll_seconds",
        default=2.0,
        min=0,
        max=5,
        help="Seconds between two looks for revocations and other changes of identities that "
        "other processes have made.",
    ),
    cfg.IntOpt(
        "lockout_failure_attempts",
        default=10,
        min=0,
        help="Wrong passwords in a row after which a user is locked out; 0: never.",
    ),
    cfg.IntOpt(
        "lockout_duration",
        default=300,
        min=1,
        help="Seconds that a user stays locked out after the last wrong password.",
    ),
    cfg.StrOpt(
        "region",
        default="RegionOne",
        max_length=255,
        help="The region of this cloud's endpoints.",
    ),
    cfg.StrOpt(
        "default_domain_id",
        default="default",
        help="The domain that bootstrap makes, and new users and projects of callers without one.",
    ),
]
