"""What all public endpoints share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from booking.actions.idempotency import Answer, Mismatch, digest, once
from booking.api.parsers import SmallJSONParser
from booking.api.throttles import AddressThrottle
from booking.errors import BookingError, LimitReached, NotOpen, SlotTaken, SoldOut, TooMany

LONGEST_KEY = 255
KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description="A request repeated with the same key is carried out once.")
STATUS = {
    SlotTaken: status.HTTP_409_CONFLICT,
    LimitReached: status.HTTP_409_CONFLICT,
    SoldOut: status.HTTP_409_CONFLICT,
    NotOpen: status.HTTP_409_CONFLICT,
    TooMany: status.HTTP_429_TOO_MANY_REQUESTS,
    Mismatch: status.HTTP_422_UNPROCESSABLE_ENTITY,
}


class View(APIView):
    """Throttled by `throttle_scope`; answers are kept nowhere."""

    parser_classes = [SmallJSONParser]
    throttle_classes = [AddressThrottle]
    throttle_scope = "read"

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.setdefault("Cache-Control", "no-store")
        return answer


class PublicView(View):
    """Open to everybody without signing in: no cookie counts, so that there is nothing to forge."""

    authentication_classes: Any = []
    permission_classes = [AllowAny]
    renderer_classes = [JSONRenderer]


def carried_out(request: Request, do: Callable[[], Answer]) -> Answer:
    """What `do` answers, in one transaction; with an Idempotency-Key once, however often the same request comes. Raises BookingError, Mismatch among them."""
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > LONGEST_KEY:
        raise ValidationError({"Idempotency-Key": [_("The key is too long.")]})
    if key:
        return once(key=digest(request.path, key), request_hash=digest(request.data), do=do)
    with transaction.atomic():
        return do()


def refused(error: BookingError, **more: Any) -> Response:
    """`more` is what helps to ask better: free times, places left."""
    code = next((code for kind, code in STATUS.items() if isinstance(error, kind)), status.HTTP_400_BAD_REQUEST)
    return Response({"code": error.code, "detail": str(error), **more}, status=code)


def language() -> str:
    """The request's language, if it is one we write mails in."""
    wanted = (get_language() or "").split("-")[0]
    return wanted if wanted in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def filled(request: Request) -> dict[str, str]:
    """The query's parameters; `employee=` means that none was chosen."""
    return {name: str(value) for name, value in request.query_params.items() if value != ""}
