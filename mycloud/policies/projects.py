"""Projects and their tags."""

from mycloud.policies import base

RULES = [
    base.rule("identity:projects:list", base.ADMIN, "List all projects."),
    base.rule(
        "identity:projects:show",
        "rule:admin or project_id:%(project_id)s",
        "See a project: one's own, or any.",
    ),
    base.rule("identity:projects:create", base.ADMIN, "Make a project."),
    base.rule("identity:projects:update", base.ADMIN, "Change a project."),
    base.rule("identity:projects:delete", base.ADMIN, "Delete a project."),
    base.rule("identity:project_tags:update", base.ADMIN, "Change a project's tags."),
]
