"""Who may see and set limits of volumes."""

from mycloud.policies.base import ADMIN, ANYONE, READER, rule

RULES = [
    rule("volume:limits:show", ANYONE, "See one's project's limits and what it uses."),
    rule("volume:limits:other_projects", ADMIN, "See the limits of another project."),
    rule("volume:quota_sets:show", READER, "See the project's quotas and what it uses."),
    rule("volume:quota_sets:defaults", ANYONE, "See the quotas of projects without own ones."),
    rule("volume:quota_sets:other_projects", ADMIN, "See the quotas of another project."),
    rule("volume:quota_sets:update", ADMIN, "Set a project's quotas."),
    rule("volume:quota_sets:delete", ADMIN, "Give a project the default quotas again."),
    rule("volume:quota_class_sets:show", ADMIN, "See the quotas of a class."),
    rule("volume:quota_class_sets:update", ADMIN, "Set the quotas of a class."),
]
