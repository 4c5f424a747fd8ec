"""Policy rules, one module per noun; every module has a list RULES."""

import importlib
import pkgutil

from oslo_policy import policy


def list_rules() -> list[policy.RuleDefault]:
    """All rules, for the enforcer and for the sample generator."""
    rules: list[policy.RuleDefault] = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        rules += importlib.import_module(f"{__name__}.{module.name}").RULES
    return rules
