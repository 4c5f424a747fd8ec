"""Who may read the list of extensions."""

from mycloud.policies.base import ANYONE, rule

RULES = [rule("compute:extensions:list", ANYONE, "Read the list of extensions.")]
