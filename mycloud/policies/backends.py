"""Who may do what with whole storage backends."""

from mycloud.policies.base import ADMIN, rule

RULES = [
    rule("cloud:backends:drain", ADMIN, "Bring all volumes of a storage backend elsewhere."),
]
