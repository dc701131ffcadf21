"""Whose calendars a page shows: one's own, or for managers and admins anybody's (?employee=). Foreign things are not found."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from booking.models import Employee
from booking.pages.access import View, personal, sees_all, visible_employees
from integrations.models import Account, FieldChange, Link, Outgoing, Pair, Run


def page(view: View) -> View:
    """Signed in, and kept by no cache."""
    return personal(login_required(view))


def subject(request: HttpRequest) -> Employee | None:
    """The employee whose calendars are asked for. None: a manager without a calendar of the own must choose one."""
    asked = request.GET.get("employee", "")
    employees = Employee.objects.select_related("calendar", "user")
    if asked:
        if not asked.isdecimal() or len(asked) > 18:
            raise Http404
        found = get_object_or_404(employees, pk=asked)
        if found.user_id != request.user.pk and not sees_all(request.user):
            raise Http404
        return found
    own = employees.filter(user=request.user.pk).first()
    if own is None and not sees_all(request.user):
        raise PermissionDenied
    return own


def is_own(request: HttpRequest, employee: Employee) -> bool:
    return employee.user_id == request.user.pk


def address(request: HttpRequest, name: str, employee: Employee, *arguments: Any) -> str:
    """A page's address, which keeps in mind whose calendars are looked at."""
    url = reverse(f"integrations:{name}", args=arguments)
    return url if is_own(request, employee) else f"{url}?employee={employee.pk}"


def back(request: HttpRequest, employee: Employee, name: str = "calendars") -> HttpResponse:
    return redirect(address(request, name, employee))


def frame(request: HttpRequest, employee: Employee) -> dict[str, Any]:
    """What each of these pages' templates gets."""
    own = is_own(request, employee)
    return {"employee": employee, "own": own, "whose": "" if own else f"?employee={employee.pk}", "zone": employee.calendar.timezone}


def others(request: HttpRequest) -> list[Employee]:
    """Whom else a manager may look at; nobody for everybody else."""
    return visible_employees(request.user) if sees_all(request.user) else []


def allowed(user: AbstractBaseUser | AnonymousUser, owner: str) -> Q:
    """Rows whose `owner` (a path to a user) is this one; every row for those who see all."""
    if sees_all(user):
        return Q(**{f"{owner}__employee__isnull": False})
    return Q(**{owner: user.pk if isinstance(user, User) else 0, f"{owner}__employee__isnull": False})


def account_of(request: HttpRequest, pk: int) -> Account:
    """One that is being disconnected can't be brought back."""
    accounts = Account.objects.select_related("user__employee__calendar").defer("secrets").exclude(state=Account.State.DISCONNECTING)
    return get_object_or_404(accounts.filter(allowed(request.user, "user")), pk=pk)


def employee_of(account: Account) -> Employee:
    employee: Employee = account.user.employee  # type: ignore[union-attr]  # account_of asked for one
    return employee


def link_of(request: HttpRequest, pk: int) -> Link:
    links = Link.objects.select_related("account__user__employee__calendar", "calendar", "source").defer("account__secrets")
    return get_object_or_404(links.filter(allowed(request.user, "account__user")), pk=pk)


def pair_of(request: HttpRequest, pk: int) -> Pair:
    pairs = Pair.objects.select_related("link__account__user__employee__calendar", "link__calendar", "link__source").defer("link__account__secrets")
    return get_object_or_404(pairs.filter(allowed(request.user, "link__account__user")), pk=pk)


def outgoing_of(request: HttpRequest, pk: int) -> Outgoing:
    rows = Outgoing.objects.select_related("link__account__user__employee__calendar").defer("link__account__secrets")
    return get_object_or_404(rows.filter(allowed(request.user, "link__account__user")), pk=pk)


def change_of(request: HttpRequest, pk: int) -> FieldChange:
    changes = FieldChange.objects.select_related("run__calendar__employee__user", "pair", "reverted_by")
    return get_object_or_404(changes.filter(allowed(request.user, "run__calendar__employee__user")), pk=pk)


def run_of(request: HttpRequest, pk: int) -> Run:
    runs = Run.objects.select_related("calendar__employee__user")
    return get_object_or_404(runs.filter(allowed(request.user, "calendar__employee__user")), pk=pk)
