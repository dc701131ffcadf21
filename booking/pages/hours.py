"""The profile's page of working hours: the week, special days, days off, the clock and its public holidays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from booking import public_holidays
from booking.actions import hours as actions
from booking.errors import BookingError, WrongState
from booking.models import Appointment, Employee
from booking.pages import zone
from booking.pages.access import may_change_hours, personal, visible_employees
from booking.pages.hours_form import ClockForm, PeriodForms, SpecialDayForm, TimeOffForm, weekdays
from booking.pages.hours_shown import picture, unlike

HoursView = Callable[..., HttpResponseBase]
SHOWN = 10  # appointments outside the hours


@dataclass(frozen=True, slots=True)
class Whose:
    """The employee whose hours are shown, to whom, and who else's there are to look at."""

    employee: Employee
    others: list[Employee]
    own: bool
    may_change: bool

    @property
    def address(self) -> str:
        return reverse("booking:hours", query=None if self.own else {"employee": self.employee.pk})


def of_employee(view: HoursView) -> HoursView:
    """Wraps a page about one employee: the one in the address, else the own; writing needs the right to."""

    @wraps(view)
    def answer(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        employees = visible_employees(request.user)
        wanted = request.GET.get("employee", "")
        employee = next((one for one in employees if str(one.pk) == wanted), None if wanted else (employees[0] if employees else None))
        if wanted and employee is None:
            raise Http404
        if employee is None:
            return render(request, "booking/profile_empty.html", {})
        whose = Whose(employee, employees, own=employee.user_id == request.user.pk, may_change=may_change_hours(request.user, employee))
        if request.method == "POST" and not whose.may_change:
            raise PermissionDenied
        return view(request, whose, **arguments)

    return login_required(personal(answer))


@require_http_methods(["GET", "HEAD", "POST"])
@of_employee
def hours(request: HttpRequest, whose: Whose) -> HttpResponseBase:
    """The week; its rows change without being saved until "Save" is pressed. htmx gets the rows alone."""
    employee = whose.employee
    if request.method != "POST":
        week = actions.week_of(employee.calendar)
        return _page(request, whose, PeriodForms(employee, days=week), seen=actions.state(week))
    rows = PeriodForms(employee, data=request.POST)
    seen = request.POST.get("seen", "")
    if wish := request.POST.get("do", ""):
        rows.change(wish, request.POST)
        return _page(request, whose, rows, seen=seen, unsaved=True)
    if not rows.is_valid():
        return _page(request, whose, rows, seen=seen, status=400)
    try:
        week = [rows.periods(number) for number in range(7)]
        outside = actions.set_week(calendar=employee.calendar, week=week, now=timezone.now(), seen=seen)
    except WrongState as error:
        now_seen = actions.state(actions.week_of(employee.calendar))
        return _page(request, whose, rows, seen=now_seen, problem=str(error), status=409)
    except BookingError as error:
        return _page(request, whose, rows, seen=seen, problem=str(error), status=400)
    return _saved(request, whose, _("The hours are saved."), outside)


@require_http_methods(["GET", "HEAD", "POST"])
@of_employee
def day(request: HttpRequest, whose: Whose) -> HttpResponseBase:
    """The hours of one date. It begins with those that hold there now."""
    if not whose.may_change:
        raise PermissionDenied
    employee = whose.employee
    calendar, wanted = employee.calendar, zone.read_day(request.GET.get("day"))
    if request.method != "POST":
        known = actions.day_of(calendar, wanted) if wanted else []
        usual = known or (actions.week_of(calendar)[wanted.weekday()] if wanted else [])
        context = {"form": SpecialDayForm(initial={"day": wanted}), "rows": PeriodForms(employee, days=[usual]), "day": wanted, "known": bool(known)}
        return _day_page(request, whose, context)
    form, rows = SpecialDayForm(request.POST), PeriodForms(employee, data=request.POST)
    context = {"form": form, "rows": rows, "day": wanted, "known": bool(wanted and actions.day_of(calendar, wanted))}
    if wish := request.POST.get("do", ""):
        rows.change(wish, request.POST)
        return _day_page(request, whose, {**context, "form": SpecialDayForm(initial={"day": request.POST.get("day", "")})})
    if "delete" in request.POST and wanted:
        outside = actions.set_day(calendar=calendar, day=wanted, periods=[], now=timezone.now())
        return _saved(request, whose, _("It is a day like the others again."), outside)
    if not (form.is_valid() and rows.is_valid()):
        rows.is_valid()
        return _day_page(request, whose, context, status=400)
    periods = rows.periods(0)
    if not periods:
        return _day_page(request, whose, {**context, "problem": _("Please enter hours. To close a day, enter it as a day off.")}, status=400)
    try:
        outside = actions.set_day(calendar=calendar, day=form.cleaned_data["day"], periods=periods, now=timezone.now())
    except BookingError as error:
        return _day_page(request, whose, {**context, "problem": str(error)}, status=400)
    return _saved(request, whose, _("The hours of this day are saved."), outside)


@require_POST
@of_employee
def off(request: HttpRequest, whose: Whose) -> HttpResponseBase:
    form, calendar = TimeOffForm(request.POST), whose.employee.calendar
    if not form.is_valid():
        week = actions.week_of(calendar)
        return _page(request, whose, PeriodForms(whose.employee, days=week), seen=actions.state(week), off=form, status=400)
    outside = actions.add_time_off(calendar=calendar, **form.cleaned_data, now=timezone.now())
    return _saved(request, whose, _("The days off are saved."), outside)


@require_POST
@of_employee
def remove_off(request: HttpRequest, whose: Whose, pk: int) -> HttpResponseBase:
    actions.remove_time_off(calendar=whose.employee.calendar, pk=pk)
    return _saved(request, whose, _("These days are working days again."), [])


@require_http_methods(["GET", "HEAD", "POST"])
@of_employee
def clock(request: HttpRequest, whose: Whose) -> HttpResponseBase:
    """Time zone and public holidays: on a page of their own, for there are many of both."""
    if not whose.may_change:
        raise PermissionDenied
    calendar = whose.employee.calendar
    form = ClockForm(request.POST if request.method == "POST" else None, calendar=calendar)
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        country, subdivision = public_holidays.parts(typed["holidays"])
        outside = actions.set_calendar(
            calendar=calendar, timezone=typed["timezone"], country=country, subdivision=subdivision, closed=typed["closed"], now=timezone.now()
        )
        return _saved(request, whose, _("Saved."), outside)
    context = {"form": form, **_common(whose)}
    return render(request, "booking/hours_clock.html", context, status=400 if form.errors else 200)


def _page(request: HttpRequest, whose: Whose, rows: PeriodForms, *, seen: str, status: int = 200, **more: Any) -> HttpResponseBase:
    calendar = whose.employee.calendar
    context: dict[str, Any] = {**_common(whose), **more, "seen": seen, **_rows(rows, weekdays())}
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "booking/_hours_week.html", context, status=status)
    shown = ZoneInfo(calendar.timezone)
    today = timezone.now().astimezone(shown).date()
    outside = actions.outside(calendar=calendar, now=timezone.now())
    days = unlike(calendar, today)
    context |= {
        "picture": picture(actions.week_of(calendar), {int(pk): name for pk, name in rows.places}),
        "unlike": [one for one in days if one.kind != "holiday"],
        "days_of_rest": [one for one in days if one.kind == "holiday"],
        "today": today,
        "tomorrow": today + timedelta(days=1),
        "holidays": public_holidays.label(calendar.holidays_country, calendar.holidays_subdivision, get_language() or "en"),
        "off": more.get("off") or TimeOffForm(),
        "outside": outside[:SHOWN],
        "more_outside": max(0, len(outside) - SHOWN),
    }
    return render(request, "booking/hours.html", context, status=status)


def _day_page(request: HttpRequest, whose: Whose, context: dict[str, Any], status: int = 200) -> HttpResponseBase:
    context |= {**_common(whose), **_rows(context["rows"], [(0, "")]), "one_day": True}
    page = "booking/_hours_week.html" if request.htmx else "booking/hours_day.html"  # type: ignore[attr-defined]
    return render(request, page, context, status=status)


def _common(whose: Whose) -> dict[str, Any]:
    return {"whose": whose, "employee": whose.employee, "zone": zone.Zone(ZoneInfo(whose.employee.calendar.timezone), guessed=False)}


def _rows(rows: PeriodForms, days: Sequence[tuple[int, str]]) -> dict[str, Any]:
    return {
        "days": [(number, name, rows.at(number)) for number, name in days],
        "count": len(rows.forms),
        "with_places": bool(rows.places),
        "with_services": len(rows.offers) > 1,
        "errors": any(one.is_bound and one.errors for one in rows.forms),
    }


def _saved(request: HttpRequest, whose: Whose, told: str, outside: Sequence[Appointment]) -> HttpResponseBase:
    messages.success(request, told)
    if outside:
        warning = ngettext(
            "%(count)d appointment now lies outside of these hours. It stays as it is.",
            "%(count)d appointments now lie outside of these hours. They stay as they are.",
            len(outside),
        )
        messages.warning(request, warning % {"count": len(outside)})
    return redirect(whose.address)
