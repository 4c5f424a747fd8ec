"""Options of the API."""

from oslo_config import cfg

GROUP = "api"

APIS = ("identity", "compute", "image", "cloud")

OPTS = [
    cfg.HostAddressOpt("listen", default="127.0.0.1", help="The address to listen on."),
    cfg.PortOpt("port", default=8774, help="The port to listen on; 0 takes a free one."),
    cfg.ListOpt(
        "enabled_apis",
        default=list(APIS),
        help="The APIs to serve. 'compute=8775' gives an API a port of its own; the others share "
        "[api]/port.",
    ),
    cfg.DictOpt(
        "managers",
        default={"image": "mycloud.image.janitor:Janitor"},
        help="A class (module:Class) per API, made and told init_host() before the API listens.",
    ),
    cfg.IntOpt(
        "workers",
        min=1,
        help="Processes that answer requests; 1 answers in the launcher itself. Unset: one per "
        "CPU for mycloud-api.",
    ),
    cfg.IntOpt(
        "max_limit", default=1000, min=1, help="The longest page of a list, and the default one."
    ),
    cfg.StrOpt(
        "public_url",
        help="The URL that clients reach the API at, for links and the catalog; unset, it is "
        "made of what the request says.",
    ),
    cfg.BoolOpt(
        "enable_instance_password",
        default=True,
        help="Make an administrator's password for every new server and show it once.",
    ),
    cfg.StrOpt("paste_config", help="The api-paste.ini to use; unset, the one that is shipped."),
    cfg.IntOpt(
        "pool_size",
        default=100,
        min=1,
        help="Connections that one process serves at a time (threads: a quarter of it).",
    ),
    cfg.BoolOpt("keepalive", default=True, help="Serve many requests on one connection."),
    cfg.IntOpt(
        "idle_timeout",
        default=900,
        min=1,
        help="Seconds after which a silent connection is closed.",
    ),
    cfg.IntOpt(
        "url_length_limit",
        default=8192,
        min=256,
        max=65536,
        help="Bytes that the request line may have; a longer one is answered with 414.",
    ),
    cfg.BoolOpt("access_log", default=True, help="Log a line for each request."),
    cfg.StrOpt(
        "access_log_format",
        default='%(client)s "%(method)s %(path)s" status: %(status)s len: %(length)s '
        "time: %(seconds).4f",
        help="The line for a request. Also: query, protocol, user_agent, request_id.",
    ),
    cfg.StrOpt("tls_cert_file", help="The certificate (PEM) to serve HTTPS with."),
    cfg.StrOpt("tls_key_file", help="The key (PEM) of the certificate."),
    cfg.StrOpt(
        "tls_client_ca_file",
        help="Clients must show a certificate that one of these authorities (PEM) has signed.",
    ),
]
