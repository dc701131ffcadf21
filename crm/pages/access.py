"""Whose meetings a page shows: one's own, nobody else's."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from booking.models import Employee
from booking.pages.access import View, personal
from crm.models import Meeting


def page(view: View) -> View:
    """Signed in, and kept by no cache."""
    return personal(login_required(view))


def has_meetings(user: AbstractBaseUser | AnonymousUser) -> bool:
    return user.is_authenticated and Employee.objects.filter(user=user.pk).exists()


def owner_of(request: HttpRequest) -> Employee:
    """The employee who is signed in; whoever is none has no meetings."""
    found = Employee.objects.select_related("calendar").filter(user=request.user.pk).first()
    if found is None:
        raise PermissionDenied
    return found


def meeting_of(request: HttpRequest, pk: int) -> Meeting:
    return get_object_or_404(Meeting.objects.select_related("owner__calendar").filter(owner=owner_of(request)), pk=pk)
