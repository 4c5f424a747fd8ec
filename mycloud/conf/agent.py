"""Options of the host agent, the part of a compute host that shows and configures it."""

from oslo_config import cfg, types

GROUP = "agent"

OPTS = [
    cfg.BoolOpt(
        "enabled",
        default=True,
        help="Listen on the agent's port at all. Without, the control plane still reaches the "
        "agent, over the message bus.",
    ),
    cfg.StrOpt(
        "listen",
        default="127.0.0.1",
        help="The address that the agent listens on. On any other than loopback it should speak "
        "TLS.",
    ),
    cfg.StrOpt(
        "network_backend",
        default="netlink",
        choices=("netlink", "nmstate"),
        help="What sets the networks of the host up: the kernel's own interface, or nmstate where "
        "NetworkManager keeps the host's network and nmstatectl is installed.",
    ),
    cfg.PortOpt(
        "port",
        default=54321,
        help="Its port, for JSON-RPC and HTTP alike; 0 takes a free one. While another program "
        "has it, it is tried again every few seconds.",
    ),
    cfg.Opt(
        "ports",
        type=types.Dict(types.Integer(min=0, max=65535)),
        default={},
        help="The ports of several compute hosts in one process, HOST:PORT,HOST:PORT.",
    ),
    cfg.BoolOpt(
        "any_port",
        default=False,
        help="Take a free port while the wanted one is another program's. The real one is "
        "published with what the host has.",
    ),
    cfg.StrOpt(
        "address",
        help="The address at which others reach the agent, as it is published; unset, the one "
        "that it listens on or, where that is every one, [compute]/address.",
    ),
    cfg.BoolOpt(
        "tls",
        default=False,
        help="Speak TLS, with the certificate of the host in [volume]/pki_dir. Without, only "
        "verbs that change nothing and are not private are answered on the port.",
    ),
    cfg.BoolOpt(
        "client_certificates",
        default=True,
        help="With TLS, refuse whoever shows no certificate of the cloud's authority. If false, "
        "those are answered as without TLS.",
    ),
    cfg.ListOpt(
        "allowed_names",
        default=[],
        help="Whose certificates (their common names) may ask for verbs that change the host or "
        "are private; its own always may.",
    ),
    cfg.FloatOpt(
        "greeting_timeout",
        default=5,
        min=0.1,
        help="Seconds in which a new connection must have shown what it speaks, the TLS "
        "handshake included.",
    ),
    cfg.FloatOpt(
        "idle_timeout",
        default=300,
        min=0.1,
        help="Seconds without a request after which a connection is closed.",
    ),
    cfg.FloatOpt(
        "request_timeout",
        default=30,
        min=0.1,
        help="Seconds in which a request must have arrived whole once it has begun.",
    ),
    cfg.IntOpt(
        "max_greeting",
        default=512,
        min=1,
        help="Connections that may be at their greeting at a time; one more makes the one drop "
        "that has been for longest.",
    ),
    cfg.IntOpt(
        "max_connections",
        default=256,
        min=1,
        help="Connections that are served at a time; one more is closed.",
    ),
    cfg.IntOpt(
        "max_request_bytes",
        default=1 << 20,
        min=1024,
        help="The largest JSON-RPC request.",
    ),
    cfg.IntOpt(
        "max_batch",
        default=100,
        min=1,
        help="The most calls in one JSON-RPC batch.",
    ),
    cfg.IntOpt("workers", default=8, min=1, help="Verbs that run at a time."),
    cfg.IntOpt(
        "queue_size",
        default=200,
        min=1,
        help="Verbs that may wait for a worker; one more is refused.",
    ),
    cfg.IntOpt(
        "max_stuck",
        default=32,
        min=1,
        help="Workers that may be replaced because a verb does not end; beyond, there are fewer "
        "workers until one of them comes back.",
    ),
    cfg.FloatOpt(
        "verb_timeout",
        default=30,
        min=0.1,
        help="Seconds that a verb may take when it is asked for on the port.",
    ),
    cfg.IntOpt(
        "statistics_interval",
        default=5,
        min=1,
        help="Seconds between two samples of the figures of the host and of its servers.",
    ),
    cfg.StrOpt(
        "hooks_dir",
        default="/etc/mycloud/hooks.d",
        help="Where executables lie that run before and after operations on this host, in "
        "directories named before_server_create, after_server_start ...",
    ),
    cfg.FloatOpt(
        "hook_timeout",
        default=60,
        min=0.1,
        help="Seconds that one hook may take; it is killed then and counts as failed.",
    ),
    cfg.FloatOpt(
        "ticket_seconds",
        default=3600,
        min=1,
        help="The longest that a ticket for the transfer of a disk image between hosts may be "
        "good for.",
    ),
    cfg.BoolOpt(
        "seed_images",
        default=False,
        help="Fetch a cached image that is not here from another compute host that has it, "
        "instead of from the image service; if no host gives it, from there.",
    ),
]

_COMMAND_LINE = [
    cfg.BoolOpt(
        "list-verbs", default=False, help="Print the verbs of the host agent, and end."
    ),
    cfg.BoolOpt(
        "verbs-schema",
        default=False,
        help="Print the verbs of the host agent with their arguments as JSON, and end.",
    ),
]


def register_command_line() -> None:
    """What mycloud-compute alone understands."""
    cfg.CONF.register_cli_opts(_COMMAND_LINE)
