"""What a choice of calendars will do, before it is made: worked out in the background, then shown, then carried out or not."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from integrations import plan as plans
from integrations import words
from integrations.contract import NeedsPerson
from integrations.engine.rehearse import INVITATION
from integrations.models import FieldChange, Plan
from integrations.models.history import Direction
from integrations.pages.access import account_of, address, back, employee_of, frame, page

SHOWN = 100  # of each list; the rest is counted


@page
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The plan of an account; POST carries out the one that was looked at."""
    account = account_of(request, pk)
    employee = employee_of(account)
    plan = Plan.objects.filter(account=account, calendar=employee.calendar).select_related("account__user__employee", "calendar").first()
    if plan is None:
        messages.info(request, _("Please choose the calendars."))
        return redirect(address(request, "choose", employee, account.pk))
    if request.method == "POST":
        if request.POST.get("plan") != str(plan.pk) or plan.state != Plan.State.READY:
            messages.info(request, _("The choice was changed meanwhile. Please look at what it does."))
            return redirect(address(request, "plan", employee, account.pk))
        try:
            creating = plans.carry_out(plan)
        except (NeedsPerson, ValueError):
            messages.error(request, _("One of the calendars is no longer there. Please choose again."))
            return redirect(address(request, "choose", employee, account.pk))
        if creating:
            return redirect(address(request, "check", employee, account.pk))
        messages.success(request, _("Saved. Your calendars are being read."))
        return back(request, employee)
    context = (
        frame(request, employee)
        | {"account": account, "plan": plan}
        | _found(plan, ZoneInfo(employee.calendar.timezone), hide_private=employee.user_id != request.user.pk)
    )
    return render(request, "integrations/_plan.html" if request.htmx else "integrations/plan.html", context)  # type: ignore[attr-defined]


def _found(plan: Plan, zone: ZoneInfo, *, hide_private: bool) -> dict[str, Any]:
    """The result in words: a group for each side and kind of change."""
    if plan.state != Plan.State.READY:
        return {}
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in plan.result["items"]:
        groups.setdefault((one["direction"], one["kind"]), []).append(_in_words(one, zone, hide_private))
    order = [(side, kind) for side in (Direction.OUT, Direction.IN) for kind in (*FieldChange.Kind, INVITATION)]
    busy = {name: [words.span(start, end, zone) for start, end in found] for name, found in plan.result["busy"].items()}
    return {
        "groups": [group(side, kind, groups[side, kind]) for side, kind in order if (side, kind) in groups],
        "closed": counted(busy["added"]),
        "opened": counted(busy["removed"]),
        "unreadable": plan.result["unreadable"],
        "left_out": plan.result["left_out"],
        "nothing": not (groups or busy["added"] or busy["removed"]),
    }


def group(side: str, kind: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    titles: dict[tuple[str, str], str] = {
        (Direction.OUT, "create"): _("Will be created in your calendar"),
        (Direction.OUT, "update"): _("Will be changed in your calendar"),
        (Direction.OUT, "delete"): _("Will be removed from your calendar"),
        (Direction.OUT, INVITATION): _("Will come into your calendar as the organiser's invitation"),
        (Direction.IN, "update"): _("Will be changed here"),
        (Direction.IN, "delete"): _("Will be cancelled here"),
    }
    return {"title": titles.get((side, kind), _("Needs a decision afterwards")), "kind": kind} | counted(rows)


def counted(rows: list[Any]) -> dict[str, Any]:
    return {"rows": rows[:SHOWN], "count": len(rows), "more": max(0, len(rows) - SHOWN)}


def _in_words(one: dict[str, Any], zone: ZoneInfo, hide_private: bool) -> dict[str, Any]:
    hidden = one["private"] and hide_private
    fields = [
        {"field": words.field_name(change["field"])}
        | {
            name: _("(private)") if hidden and change["field"] in words.TEXTS else words.in_words(change["field"], change[name], zone)
            for name in ("old", "new")
        }
        for change in one["fields"]
        if one["kind"] not in ("create", "delete")
    ]
    title = next((change["new"] or change["old"] for change in one["fields"] if change["field"] in ("title", "event")), "")
    when = words.span(one["times"]["start"], one["times"]["end"], zone) if one["times"] else ""
    return {"calendar": one["calendar"], "item": one["item"] or title, "title": "" if hidden else title, "when": when, "fields": fields}
