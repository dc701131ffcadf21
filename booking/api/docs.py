"""The page that describes the API. Its scripts and styles come from our own server, and none is written into the page."""

from __future__ import annotations

from typing import Any

from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny

from booking.api.throttles import AddressThrottle


class DocsView(SpectacularSwaggerSplitView):
    authentication_classes: Any = []
    permission_classes = [AllowAny]
    throttle_classes = [AddressThrottle]
    throttle_scope = "read"
    template_name = "booking/api/docs.html"
    url_name = "api:schema"
