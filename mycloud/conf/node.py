"""Options of the joining of compute hosts."""

from oslo_config import cfg

GROUP = "node"

OPTS = [
    cfg.IntOpt(
        "token_lifetime",
        default=900,
        min=60,
        max=86400,
        help="Seconds within which a token of 'mycloud node token create' must be used, unless "
        "its maker says otherwise.",
    ),
    cfg.StrOpt(
        "transport_url",
        secret=True,
        help="The message bus as joined hosts reach it, with the broker's account for them; "
        "unset, transport_url.",
    ),
    cfg.ListOpt(
        "api_urls",
        default=[],
        help="The URLs at which joining hosts reach the APIs, the best one first; unset, "
        "[api]/public_url, or else the URL that the token was asked for at.",
    ),
    cfg.IntOpt(
        "refusals_per_minute",
        default=30,
        min=1,
        help="Refused requests of one address in a minute, after which an API process does not "
        "look at more of them.",
    ),
]
