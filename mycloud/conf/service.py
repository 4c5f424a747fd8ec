"""Options that every service has."""

import socket

from oslo_config import cfg

GROUP = "DEFAULT"

OPTS = [
    cfg.StrOpt(
        "host",
        default=socket.gethostname(),
        sample_default="<the machine's host name>",
        help="The name of this host, as services report it and RPC addresses it.",
    ),
    cfg.StrOpt(
        "state_path",
        default="/var/lib/mycloud",
        help="The directory under which everything lies that the cloud keeps.",
    ),
    cfg.IntOpt(
        "report_interval",
        default=5,
        min=1,
        help="Seconds between the signs of life of a service.",
    ),
    cfg.IntOpt(
        "service_down_time",
        default=20,
        min=2,
        help="Seconds without a sign of life after which a service counts as down.",
    ),
    cfg.PortOpt(
        "backdoor_port",
        help="A port on 127.0.0.1 that answers every connection with a report of threads, options "
        "and versions; 0 takes a free one and logs it. Unset, there is none.",
    ),
    cfg.IntOpt(
        "take_up_interval",
        default=10,
        min=1,
        help="Seconds between two looks of a service at operations that wait for it, in case "
        "that a doorbell was lost.",
    ),
    cfg.BoolOpt("periodic_enable", default=True, help="Run periodic tasks at all."),
    cfg.IntOpt(
        "periodic_fuzzy_delay",
        default=3,
        min=0,
        help="The first run of a periodic task is put off by up to that many seconds, so that "
        "many services that start at once do not work at once.",
    ),
    cfg.IntOpt(
        "periodic_interval_max",
        default=60,
        min=1,
        help="No periodic task sleeps longer than that many seconds.",
    ),
    cfg.StrOpt(
        "default_availability_zone",
        default="nova",
        help="The availability zone of compute hosts that name none.",
    ),
    cfg.IntOpt(
        "graceful_shutdown_timeout_seconds",
        default=30,
        min=0,
        help="Seconds that a service waits for work under way when it is told to stop.",
    ),
]
