"""What all public endpoints share."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from booking.api.parsers import SmallJSONParser
from booking.api.throttles import AddressThrottle


class PublicView(APIView):
    """Open to everybody without signing in: no cookie counts, so that there is nothing to forge. Throttled by `throttle_scope`."""

    authentication_classes: Any = []
    permission_classes = [AllowAny]
    parser_classes = [SmallJSONParser]
    renderer_classes = [JSONRenderer]
    throttle_classes = [AddressThrottle]
    throttle_scope = "read"

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.setdefault("Cache-Control", "no-store")
        return answer


def filled(request: Request) -> dict[str, str]:
    """The query's parameters; `employee=` means that none was chosen."""
    return {name: str(value) for name, value in request.query_params.items() if value != ""}
