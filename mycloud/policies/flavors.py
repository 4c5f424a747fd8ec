"""Who may do what with flavors."""

from mycloud.policies.base import ADMIN, READER, rule

RULES = [
    rule("compute:flavors:list", READER, "List flavors."),
    rule("compute:flavors:show", READER, "Show a flavor."),
    rule("compute:flavors:create", ADMIN, "Create a flavor."),
    rule("compute:flavors:update", ADMIN, "Change a flavor's description."),
    rule("compute:flavors:delete", ADMIN, "Delete a flavor."),
    rule("compute:flavor_extra_specs:list", READER, "List a flavor's extra specs."),
    rule("compute:flavor_extra_specs:show", READER, "Show one of a flavor's extra specs."),
    rule("compute:flavor_extra_specs:create", ADMIN, "Add or change extra specs."),
    rule("compute:flavor_extra_specs:update", ADMIN, "Change one extra spec."),
    rule("compute:flavor_extra_specs:delete", ADMIN, "Remove an extra spec."),
    rule("compute:flavor_access:list", ADMIN, "List who may use a private flavor."),
    rule("compute:flavor_access:add", ADMIN, "Let a project use a private flavor."),
    rule("compute:flavor_access:remove", ADMIN, "Take a private flavor from a project."),
]
