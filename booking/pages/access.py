"""Who may look into whose diary, and what must not be kept by browsers."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.http import Http404, HttpRequest, HttpResponseBase

from booking.models import Appointment, Employee

View = Callable[..., HttpResponseBase]
SEE_ALL = ("admin", "manager")


def sees_all(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Managers and admins look into every diary."""
    if not isinstance(user, User) or not user.is_active:
        return False
    return user.is_superuser or user.groups.filter(name__in=SEE_ALL).exists()


def visible_employees(user: AbstractBaseUser | AnonymousUser) -> list[Employee]:
    """Whose diaries the user may open; the own one first."""
    if not isinstance(user, User) or not user.is_active:
        return []
    if not sees_all(user):
        return list(Employee.objects.filter(user=user).select_related("calendar"))
    return sorted(Employee.objects.select_related("calendar"), key=lambda one: one.user_id != user.pk)


def visible_appointment(user: AbstractBaseUser | AnonymousUser, pk: int) -> Appointment | None:
    """The appointment if it is in a diary that the user may open."""
    found = Appointment.objects.select_related("service", "location").filter(pk=pk)
    if not sees_all(user):
        found = found.filter(employees__user_id=user.pk or 0)
    return found.first()


def own_appointment(user: AbstractBaseUser | AnonymousUser, pk: int) -> Appointment:
    """The same; Http404 where there is none."""
    found = visible_appointment(user, pk)
    if found is None:
        raise Http404
    return found


def may_change_hours(user: AbstractBaseUser | AnonymousUser, employee: Employee) -> bool:
    """Their own where the admin lets employees; managers everybody's."""
    if not isinstance(user, User):
        return False
    own = employee.user_id == user.pk and user.has_perm("booking.change_own_hours")
    return own or (sees_all(user) and user.has_perm("booking.change_workinghours"))


def has_diary(user: AbstractBaseUser | AnonymousUser) -> bool:
    return sees_all(user) or (isinstance(user, User) and Employee.objects.filter(user=user).exists())


def personal(view: View) -> View:
    """The answer is for one person only: no cache keeps it (ASVS 5.0, 14.3.2)."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        response["Cache-Control"] = "no-store, private"
        return response

    return answer
