"""Connections as volume hosts give them."""


def connection(kind, **data):
    """A connection_info of that type."""
    return {"driver_volume_type": kind, "volume_id": "the-volume", "data": data}


NBD_TLS = connection(
    "nbd", export="the-export", format="raw", host="10.0.0.9", port=10809, tls=True
)
ISCSI = connection(
    "iscsi", target_portal="10.0.0.9:3260", target_iqn="iqn.2026-11.cloud:target", target_lun=1,
    auth_method="CHAP", auth_username="the-user", auth_password="the-password",
)
