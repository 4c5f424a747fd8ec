"""Who may see volume types and what belongs to them, and change them."""

from mycloud.policies.base import ADMIN, READER, rule

RULES = [
    rule("volume:types:list", READER, "List volume types."),
    rule("volume:types:show", READER, "See a volume type."),
    rule("volume:types:create", ADMIN, "Create a volume type."),
    rule("volume:types:update", ADMIN, "Change a volume type."),
    rule("volume:types:delete", ADMIN, "Delete a volume type."),
    rule("volume:type_extra_specs:list", READER, "List the extra specs of a volume type."),
    rule("volume:type_extra_specs:show", READER, "See an extra spec of a volume type."),
    rule(
        "volume:type_extra_specs:read_all",
        ADMIN,
        "See the extra specs that tell how the storage is built.",
    ),
    rule("volume:type_extra_specs:create", ADMIN, "Set extra specs of a volume type."),
    rule("volume:type_extra_specs:update", ADMIN, "Change an extra spec of a volume type."),
    rule("volume:type_extra_specs:delete", ADMIN, "Delete an extra spec of a volume type."),
    rule("volume:type_access:list", ADMIN, "List the projects that may use a volume type."),
    rule("volume:type_access:add", ADMIN, "Let a project use a private volume type."),
    rule("volume:type_access:remove", ADMIN, "Take a private volume type from a project."),
    rule("volume:type_encryption:show", ADMIN, "See how volumes of a type are encrypted."),
    rule("volume:type_encryption:create", ADMIN, "Encrypt volumes of a type."),
    rule("volume:type_encryption:update", ADMIN, "Change how volumes of a type are encrypted."),
    rule("volume:type_encryption:delete", ADMIN, "Encrypt volumes of a type no more."),
    rule("volume:volume_encryption:show", READER, "See how a volume is encrypted."),
    rule("volume:default_types:list", ADMIN, "List the default volume types of projects."),
    rule("volume:default_types:show", ADMIN, "See the default volume type of a project."),
    rule("volume:default_types:update", ADMIN, "Set the default volume type of a project."),
    rule("volume:default_types:delete", ADMIN, "Take a project's default volume type away."),
    rule("volume:qos_specs:list", ADMIN, "List QoS specs, and see which a volume type has."),
    rule("volume:qos_specs:show", ADMIN, "See QoS specs."),
    rule("volume:qos_specs:create", ADMIN, "Create QoS specs."),
    rule("volume:qos_specs:update", ADMIN, "Change QoS specs."),
    rule("volume:qos_specs:delete", ADMIN, "Delete QoS specs."),
    rule("volume:qos_specs:associate", ADMIN, "Say which volume types QoS specs hold for."),
]
