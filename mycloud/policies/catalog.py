"""Regions, services and endpoints."""

from mycloud.policies import base

RULES = [
    base.rule("identity:regions:list", base.ANYONE, "See the regions."),
    *(
        base.rule(f"identity:regions:{verb}", base.ADMIN, f"{verb.title()} a region.")
        for verb in ("create", "update", "delete")
    ),
    *(
        base.rule(f"identity:{noun}s:{verb}", base.ADMIN, f"{verb.title()} {noun}s.")
        for noun in ("service", "endpoint")
        for verb in ("list", "create", "update", "delete")
    ),
]
