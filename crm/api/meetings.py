"""Meetings by the API: one's own; with the staff permissions everybody's."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.authentication import SessionScheme
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response

from booking.api.base import View
from booking.api.serializers import Problem
from booking.errors import BookingError
from booking.models import Employee
from crm import actions
from crm.api.serializers import MeetingAnswer, MeetingPage, MeetingRequest
from crm.models import Meeting


class Pages(PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class SignedIn(SessionAuthentication):
    """Whoever sends a form of another site is told so before its content is looked at."""

    def enforce_csrf(self, request: Request) -> None:
        super().enforce_csrf(request._request)  # type: ignore[arg-type]  # reading the form through the other would parse it


class SignedInScheme(SessionScheme):  # type: ignore[no-untyped-call]
    """How the description of the API names it."""

    target_class = "crm.api.meetings.SignedIn"
    name = "signedIn"


class OwnView(View):
    """Signed in; own meetings, and with `crm.view_meeting` and its like those of others."""

    authentication_classes = [SignedIn]

    def meetings(self, request: Request, right: str) -> QuerySet[Meeting]:
        """Those the user may "view", "change" or "delete": what one may not see is not found."""
        found = Meeting.objects.select_related("owner__calendar").order_by("start", "pk")
        return found if self.may(request, right) else found.filter(owner__user=request.user.pk)

    def may(self, request: Request, right: str) -> bool:
        return bool(request.user.is_staff and request.user.has_perm(f"crm.{right}_meeting"))

    def refused(self, error: BookingError) -> Response:
        return Response({"code": error.code, "detail": str(error)}, status=status.HTTP_409_CONFLICT)


class MeetingsView(OwnView):
    @extend_schema(
        operation_id="meetings_list",
        responses=MeetingPage,
        parameters=[
            OpenApiParameter("owner", int, description="Of this employee only."),
            OpenApiParameter("upcoming", bool, description="true: what is not over yet; false: what is."),
            OpenApiParameter("page", int),
            OpenApiParameter("page_size", int),
        ],
    )
    def get(self, request: Request) -> Response:
        """Meetings in order of their start, page by page."""
        found = self.meetings(request, "view")
        owner, upcoming = request.query_params.get("owner", ""), request.query_params.get("upcoming", "")
        if owner:
            if not owner.isdecimal() or len(owner) > 18:
                raise ValidationError({"owner": [_("This is not the number of an employee.")]})
            found = found.filter(owner=int(owner))
        if upcoming:
            if upcoming not in ("true", "false"):
                raise ValidationError({"upcoming": [_("Say true or false.")]})
            coming = Q(ends_at=None) | Q(ends_at__gt=timezone.now())
            found = found.filter(coming if upcoming == "true" else ~coming)
        pages = Pages()
        page = pages.paginate_queryset(found, request, view=self)
        return pages.get_paginated_response(MeetingAnswer(page, many=True, context={"request": request}).data)

    @extend_schema(operation_id="meetings_create", request=MeetingRequest, responses={201: MeetingAnswer, 409: Problem})
    def post(self, request: Request) -> Response:
        """A new meeting, one's own unless `owner` names somebody else."""
        form = MeetingRequest(data=request.data)
        form.is_valid(raise_exception=True)
        values = dict(form.validated_data)
        wanted = values.pop("owner", None)
        own = Employee.objects.select_related("calendar").filter(user=request.user.pk).first()
        owner = own if wanted is None or (own and own.pk == wanted) else None
        if owner is None and wanted is not None and self.may(request, "add"):
            owner = Employee.objects.select_related("calendar").filter(pk=wanted).first()
            if owner is None:
                raise ValidationError({"owner": [_("There is no such employee.")]})
        if owner is None:
            raise PermissionDenied
        try:
            made = actions.create(owner=owner, **({"timezone": owner.calendar.timezone} | values))
        except BookingError as error:
            return self.refused(error)
        return Response(MeetingAnswer(made, context={"request": request}).data, status=status.HTTP_201_CREATED)


class MeetingView(OwnView):
    @extend_schema(operation_id="meetings_detail", responses=MeetingAnswer)
    def get(self, request: Request, pk: int) -> Response:
        """One meeting."""
        return Response(MeetingAnswer(get_object_or_404(self.meetings(request, "view"), pk=pk), context={"request": request}).data)

    @extend_schema(operation_id="meetings_change", request=MeetingRequest(partial=True), responses={200: MeetingAnswer, 409: Problem})
    def patch(self, request: Request, pk: int) -> Response:
        """Changes the named fields, nothing else."""
        found = get_object_or_404(self.meetings(request, "change"), pk=pk)
        form = MeetingRequest(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        try:
            actions.edit(meeting=found, changes=form.validated_data)
        except BookingError as error:
            return self.refused(error)
        return Response(MeetingAnswer(found, context={"request": request}).data)

    @extend_schema(operation_id="meetings_delete", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Erases it, here and in the calendars."""
        actions.delete(meeting=get_object_or_404(self.meetings(request, "delete"), pk=pk))
        return Response(status=status.HTTP_204_NO_CONTENT)
