"""Reads uploaded pictures, and writes them anew: whatever else was in the file is left behind."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import IO, Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from booking.uploads import check_size

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_PIXELS = 40_000_000
LARGEST = 1600  # pixels of the longer side
# What Pillow raises for files that are not what they say.
BROKEN = (OSError, SyntaxError, ValueError, TypeError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)


def rewritten(file: IO[bytes]) -> bytes:
    """The picture as WebP, upright, at most LARGEST wide and high, without its metadata. ValidationError for what is no picture, or too large to be
    unpacked."""
    try:
        with Image.open(file, formats=FORMATS) as image:
            # Known before anything is unpacked.
            if image.width * image.height > MOST_PIXELS:
                raise ValidationError(_("This picture has too many pixels; %(most)d million are possible.") % {"most": MOST_PIXELS // 1_000_000}, code="pixels")
            upright = ImageOps.exif_transpose(image)
            plain = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except BROKEN as error:
        raise ValidationError(_("This is no picture that can be read. JPEG, PNG and WebP are possible."), code="invalid_image") from error
    plain.thumbnail((LARGEST, LARGEST))
    written = BytesIO()
    plain.save(written, "WEBP", quality=82)
    return written.getvalue()


class PictureFormField(forms.FileField):
    """A picture to upload. What it gives to be kept is never the file that was sent."""

    def to_python(self, data: Any) -> Any:
        sent = super().to_python(data)
        if sent is None:
            return None
        check_size(sent.size)
        return ContentFile(rewritten(sent), name="picture.webp")

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "accept": "image/jpeg,image/png,image/webp"}
