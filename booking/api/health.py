"""Is it running? One word for everybody, the reasons for staff."""

from __future__ import annotations

from dataclasses import asdict

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from booking.api.base import PublicView
from booking.api.serializers import HealthAnswer
from booking.health import report


class HealthView(PublicView):
    authentication_classes = [SessionAuthentication]

    @extend_schema(responses={200: HealthAnswer, 503: HealthAnswer})
    def get(self, request: Request) -> Response:
        """`ok`, or `degraded` with 503. Staff who are signed in see each check."""
        findings = report(timezone.now())
        well = all(finding.ok for finding in findings.values())
        answer: dict[str, object] = {"status": "ok" if well else "degraded"}
        if request.user.is_active and request.user.is_staff:
            answer["checks"] = {name: asdict(finding) for name, finding in findings.items()}
        return Response(answer, status=status.HTTP_200_OK if well else status.HTTP_503_SERVICE_UNAVAILABLE)
