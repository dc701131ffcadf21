"""Files for answers: sent by themselves, then named in the booking."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as Invalid
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from booking.actions import answers
from booking.api.base import PublicView, refused
from booking.api.serializers import Problem, UploadAnswer
from booking.errors import BookingError
from booking.uploads import checked

FILE = {"multipart/form-data": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}, "required": ["file"]}}


class UploadsView(PublicView):
    throttle_scope = "book"
    parser_classes: Any = [MultiPartParser]

    @extend_schema(request=FILE, responses={201: UploadAnswer, 429: Problem})
    def post(self, request: Request) -> Response:
        """Keeps a file for a day, until a booking answers a question with its id."""
        sent = request.FILES.get("file")
        if not isinstance(sent, UploadedFile):
            raise ValidationError({"file": [_("Please choose a file.")]})
        try:
            upload = answers.keep(checked(sent))
        except Invalid as error:
            raise ValidationError({"file": error.messages}) from error
        except BookingError as error:
            return refused(error)
        return Response({"id": str(upload.uuid), "name": upload.name, "size": upload.size}, status=status.HTTP_201_CREATED)
