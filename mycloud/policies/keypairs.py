"""Who may do what with key pairs: everybody with the own ones."""

from mycloud.policies.base import ADMIN, ANYONE, rule

RULES = [
    rule("compute:keypairs:list", ANYONE, "List one's key pairs."),
    rule("compute:keypairs:show", ANYONE, "Show one of one's key pairs."),
    rule("compute:keypairs:create", ANYONE, "Create or import a key pair."),
    rule("compute:keypairs:delete", ANYONE, "Delete one of one's key pairs."),
    rule("compute:keypairs:other_users", ADMIN, "Do all that with another user's key pairs."),
]
