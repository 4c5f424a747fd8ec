"""Who may see what projects have used over time."""

from mycloud.policies.base import ADMIN, READER, rule

RULES = [
    rule("compute:usage:list", ADMIN, "See the usage of every project."),
    rule("compute:usage:show", READER, "See one's project's usage."),
    rule("compute:usage:other_projects", ADMIN, "See the usage of another project."),
]
