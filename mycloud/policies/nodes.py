"""Who may let machines join the cloud."""

from mycloud.policies.base import ADMIN, rule

RULES = [
    rule("cloud:node_tokens:create", ADMIN, "Make a token that lets a machine join."),
    rule("cloud:node_tokens:list", ADMIN, "List tokens that let machines join."),
    rule("cloud:node_tokens:show", ADMIN, "Show a token that lets a machine join."),
    rule("cloud:node_tokens:delete", ADMIN, "Withdraw a token that lets a machine join."),
    rule("cloud:nodes:list", ADMIN, "List machines that have joined."),
    rule("cloud:nodes:delete", ADMIN, "Forget a machine that is gone for good."),
]
