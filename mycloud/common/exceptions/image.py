"""Errors of images."""

from mycloud.common.exceptions.base import (
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    QuotaExceeded,
    TooLarge,
)


class ImageNotFound(NotFound):
    code = "image_not_found"
    template = "Image %(image_id)s could not be found."


class ImageNotActive(Invalid):
    code = "image_not_active"
    template = (
        "Image %(image_id)s is %(status)s, not active; take another image or wait until its data "
        "is uploaded."
    )


class ImageExists(Conflict):
    code = "image_exists"
    template = "There is or was an image with the ID %(image_id)s; choose another ID or none."


class ImageProtected(Forbidden):
    code = "image_protected"
    template = "Image %(image_id)s is protected; set protected to false before deleting it."


class ImageNotOwned(Forbidden):
    code = "image_not_owned"
    template = "Image %(image_id)s belongs to another project, so only that one may change it."


class ImageDeactivated(Forbidden):
    code = "image_deactivated"
    template = "Image %(image_id)s is deactivated; its data can't be downloaded."


class ImageAttributeFixed(Forbidden):
    code = "image_attribute_fixed"
    template = "Attribute '%(name)s' %(reason)s."


class ImagePropertyMissing(Conflict):
    code = "image_property_missing"
    template = "Property %(name)s does not exist."


class ImageTooLarge(TooLarge):
    code = "image_too_large"
    template = "An image may have at most %(limit)s bytes on this cloud."


class ImageQuotaExceeded(QuotaExceeded):
    status, code = 413, "image_quota_exceeded"


class ImageUploadBroken(Invalid):
    code = "image_upload_broken"
    template = (
        "The upload of image %(image_id)s broke off after %(received)s bytes; nothing was kept. "
        "Upload it again."
    )


class ImageUploadRefused(Invalid):
    code = "image_upload_refused"
    template = "The image service refused the data of image %(image_id)s: %(reason)s"


class ImageUploadLost(Gone):
    code = "image_upload_lost"
    template = (
        "The upload of image %(image_id)s was given up: the image was deleted, or nothing came "
        "for %(timeout)s s."
    )


class ImageTagNotFound(NotFound):
    code = "image_tag_not_found"
    template = "Image %(image_id)s has no tag %(tag)s."


class ImageNotShared(Forbidden):
    code = "image_not_shared"
    template = (
        "Image %(image_id)s is %(visibility)s; only images with the visibility shared have "
        "members."
    )


class ImageMemberNotFound(NotFound):
    code = "image_member_not_found"
    template = "Project %(member)s is no member of image %(image_id)s."


class ImageMemberExists(Conflict):
    code = "image_member_exists"
    template = "Project %(member)s is a member of image %(image_id)s already."


class ImageAnswerNotYours(Forbidden):
    code = "image_answer_not_yours"
    template = "Only project %(member)s itself may accept or reject image %(image_id)s."
