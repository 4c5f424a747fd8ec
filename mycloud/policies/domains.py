"""Domains."""

from mycloud.policies import base

RULES = [
    base.rule("identity:domains:list", base.ADMIN, "List all domains."),
    base.rule(
        "identity:domains:show",
        "rule:admin or user_domain_id:%(domain_id)s or project_domain_id:%(domain_id)s "
        "or domain_id:%(domain_id)s",
        "See a domain: one's own, or any.",
    ),
    base.rule("identity:domains:create", base.ADMIN, "Make a domain."),
    base.rule("identity:domains:update", base.ADMIN, "Change a domain."),
    base.rule("identity:domains:delete", base.ADMIN, "Delete a domain and all in it."),
]
