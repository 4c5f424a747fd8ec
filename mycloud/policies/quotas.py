"""Who may see and set limits."""

from mycloud.policies.base import ADMIN, ANYONE, READER, rule

RULES = [
    rule("compute:limits:show", ANYONE, "See one's project's limits and what it uses."),
    rule("compute:limits:other_projects", ADMIN, "See the limits of another project."),
    rule("compute:quota_sets:show", READER, "See the project's quotas."),
    rule("compute:quota_sets:detail", READER, "See the project's quotas and what it uses."),
    rule("compute:quota_sets:defaults", ANYONE, "See the quotas of projects without own ones."),
    rule("compute:quota_sets:other_projects", ADMIN, "See the quotas of another project."),
    rule("compute:quota_sets:update", ADMIN, "Set a project's quotas."),
    rule("compute:quota_sets:delete", ADMIN, "Give a project the default quotas again."),
    rule("compute:quota_class_sets:show", ADMIN, "See the quotas of a class."),
    rule("compute:quota_class_sets:update", ADMIN, "Set the quotas of a class."),
]
