"""Options of the image service."""

from oslo_config import cfg

GROUP = "image"

OPTS = [
    cfg.IntOpt(
        "size_limit_gb", default=1024, min=1, help="GiB that one image may have at most."
    ),
    cfg.IntOpt(
        "quota_images",
        default=1000,
        min=-1,
        help="Images that one project may have at most; -1 for any number.",
    ),
    cfg.IntOpt(
        "quota_gb",
        default=-1,
        min=-1,
        help="GiB that the data of all images of one project may have at most; -1 for any "
        "amount.",
    ),
    cfg.IntOpt(
        "upload_timeout",
        default=120,
        min=5,
        help="Seconds without a byte after which an upload counts as dead, and the image takes "
        "another one.",
    ),
    cfg.BoolOpt(
        "refuse_unrecognised",
        default=False,
        help="Refuse to store data in which the declared disk format can't be recognised. If "
        "false, such an image is stored, but no server boots from it. Data of another format "
        "than the declared one, and data that refers to files outside of the image, is refused "
        "in any case.",
    ),
    cfg.IntOpt(
        "max_properties", default=128, min=0, help="Properties that one image may have at most."
    ),
    cfg.IntOpt("max_tags", default=128, min=0, help="Tags that one image may have at most."),
    cfg.IntOpt(
        "max_members",
        default=128,
        min=0,
        help="Projects that one image may be shared with at most.",
    ),
    cfg.StrOpt(
        "endpoint",
        help="The URL of the image API as compute hosts on other machines reach it, for example "
        "http://controller:8774/image; unset, [api]/public_url with /image after it.",
    ),
    cfg.StrOpt(
        "endpoint_ca_file",
        help="The certificates that compute hosts trust when they download images; unset, those "
        "of the operating system.",
    ),
    cfg.IntOpt(
        "ticket_lifetime",
        default=300,
        min=30,
        help="Seconds within which a compute host must begin a download that it was told of.",
    ),
]
