"""What can be booked."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from booking.api.base import PublicView
from booking.api.serializers import ServiceAnswer
from booking.models import Employee, Service


def offered() -> QuerySet[Service]:
    active = Prefetch("employees", Employee.objects.filter(is_active=True), to_attr="offering")
    return Service.objects.filter(is_active=True).select_related("category").prefetch_related(active, "locations")


class ServicesView(PublicView):
    @extend_schema(operation_id="services_list", responses=ServiceAnswer(many=True))
    def get(self, request: Request) -> Response:
        """All services that are offered, in the shop's order."""
        return Response(ServiceAnswer(offered(), many=True).data)


class ServiceView(PublicView):
    @extend_schema(operation_id="services_detail", responses=ServiceAnswer)
    def get(self, request: Request, pk: int) -> Response:
        """One service."""
        return Response(ServiceAnswer(get_object_or_404(offered(), pk=pk)).data)
