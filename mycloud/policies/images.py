"""Who may do what with images."""

from mycloud.policies.base import ADMIN, MEMBER, READER, rule

RULES = [
    rule("image:images:see_all", ADMIN, "See and change the images of every project."),
    rule("image:images:list", READER, "List the images that one may see."),
    rule("image:images:show", READER, "Show an image."),
    rule("image:images:create", MEMBER, "Register an image."),
    rule("image:images:create_for", ADMIN, "Register an image for another project."),
    rule("image:images:publish", ADMIN, "Make an image public."),
    rule("image:images:communitize", MEMBER, "Offer an image to the whole community."),
    rule("image:images:update", MEMBER, "Change an image of the project."),
    rule("image:images:give", ADMIN, "Give an image to another project."),
    rule("image:images:delete", MEMBER, "Delete an image of the project."),
    rule("image:images:upload", MEMBER, "Upload the data of an image of the project."),
    rule("image:images:download", READER, "Download the data of an image."),
    rule("image:images:download_deactivated", ADMIN, "Download the data of a deactivated image."),
    rule("image:images:deactivate", MEMBER, "Deactivate an image."),
    rule("image:images:reactivate", MEMBER, "Make a deactivated image active again."),
    rule("image:tags:create", MEMBER, "Add a tag to an image of the project."),
    rule("image:tags:delete", MEMBER, "Remove a tag from an image of the project."),
    rule("image:members:list", READER, "List the projects that an image is shared with."),
    rule("image:members:show", READER, "Show one project that an image is shared with."),
    rule("image:members:create", MEMBER, "Share an image of the project."),
    rule("image:members:update", MEMBER, "Accept or reject an image that is shared."),
    rule("image:members:delete", MEMBER, "Stop sharing an image with a project."),
    rule("image:schemas:show", READER, "Read the JSON schemas of the image API."),
    rule("image:info:show", READER, "Read what the image service offers."),
]
