"""Who may use the compute API's view of images; whose image it is, is checked besides."""

from mycloud.policies.base import MEMBER, READER, rule

RULES = [
    rule("compute:images:list", READER, "List images."),
    rule("compute:images:show", READER, "Show an image."),
    rule("compute:images:delete", MEMBER, "Delete an image."),
    rule("compute:image_metadata:list", READER, "List an image's metadata."),
    rule("compute:image_metadata:show", READER, "Show one item of an image's metadata."),
    rule("compute:image_metadata:create", MEMBER, "Add to an image's metadata."),
    rule("compute:image_metadata:update", MEMBER, "Change one item of an image's metadata."),
    rule("compute:image_metadata:replace", MEMBER, "Replace all of an image's metadata."),
    rule("compute:image_metadata:delete", MEMBER, "Remove an item of an image's metadata."),
]
