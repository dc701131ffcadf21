"""What can be booked."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from booking.api.base import PublicView
from booking.api.serializers import ServiceAnswer
from booking.models import CustomField, Extra, Offer, Service


def offered() -> QuerySet[Service]:
    order = ("employee__position", "employee__first_name", "employee__last_name", "employee")
    active = Prefetch("offers", Offer.objects.filter(employee__is_active=True).select_related("employee").order_by(*order), to_attr="offering")
    extras = Prefetch("extras", Extra.objects.filter(is_active=True), to_attr="addable")
    return Service.objects.filter(is_active=True).select_related("category").prefetch_related(active, extras, "locations")


def questions() -> dict[str, list[CustomField]]:
    """All that are asked, each knowing the ids of the services it is for (none: all)."""
    found = list(CustomField.objects.filter(is_active=True).prefetch_related("services"))
    for one in found:
        one.only = {service.pk for service in one.services.all()}
    return {"questions": found}


class ServicesView(PublicView):
    @extend_schema(operation_id="services_list", responses=ServiceAnswer(many=True))
    def get(self, request: Request) -> Response:
        """All services that are offered, in the shop's order."""
        return Response(ServiceAnswer(offered(), many=True, context=questions()).data)


class ServiceView(PublicView):
    @extend_schema(operation_id="services_detail", responses=ServiceAnswer)
    def get(self, request: Request, pk: int) -> Response:
        """One service."""
        return Response(ServiceAnswer(get_object_or_404(offered(), pk=pk), context=questions()).data)
