"""What the sync did: runs, single changes with old and new value, and taking them back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from booking.errors import BookingError
from integrations import history as sync_history
from integrations import words
from integrations.local import KINDS
from integrations.models import FieldChange, Pair, Run
from integrations.pages.access import allowed, back, change_of, frame, others, page, run_of, subject
from integrations.pages.calendars import item_labels, people

PER_PAGE = 50
RUNS_PER_PAGE = 30
IN_SECTION = 20  # newest changes on an appointment's own page


@page
@require_safe
def changes(request: HttpRequest) -> HttpResponse:
    """All changes, newest first; ?item=appointment:5 for one item, ?run=7 for one run, ?kind=conflict for conflicts."""
    employee = subject(request)
    if employee is None:
        return people(request)
    found = FieldChange.objects.filter(run__calendar=employee.calendar_id)
    kind, _colon, number = request.GET.get("item", "").partition(":")
    item = (kind, int(number)) if kind in KINDS and number.isdecimal() and len(number) < 18 else None
    run = request.GET.get("run", "")
    filters = Q()
    if item:
        filters &= Q(item_kind=item[0], item_id=item[1])
    if run.isdecimal() and len(run) < 18:
        filters &= Q(run=int(run))
    if request.GET.get("kind") in FieldChange.Kind.values:
        filters &= Q(kind=request.GET["kind"])
    shown = Paginator(_with_all(found.filter(filters)), PER_PAGE).get_page(request.GET.get("page"))
    private = employee.user_id != request.user.pk
    rows = rows_of(shown.object_list, ZoneInfo(employee.calendar.timezone), hide_private=private)
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "others": others(request),
        "rows": rows,
        "shown": shown,
        "kinds": FieldChange.Kind.choices,
        "query": query.urlencode(),
        "filtered": bool(filters),
        "item": item and rows and rows[0]["item"],
    }
    return render(request, "integrations/history.html", frame(request, employee) | context)


def _with_all(found: QuerySet[FieldChange]) -> QuerySet[FieldChange]:
    return found.select_related("run", "pair", "reverted_by")


def rows_of(found: Iterable[FieldChange], zone: ZoneInfo, *, hide_private: bool) -> list[dict[str, Any]]:
    """What a template needs of each change; the items' names come by two queries."""
    listed = list(found)
    labels = item_labels((change.item_kind, change.item_id) for change in listed)
    return [_row(change, labels, zone, hide_private) for change in listed]


def _row(change: FieldChange, labels: dict[tuple[str, int], str], zone: ZoneInfo, hide_private: bool) -> dict[str, Any]:
    private = change.pair.is_private if change.pair else change.private
    old, new = words.in_words(change.field, change.old, zone), words.in_words(change.field, change.new, zone)
    if hide_private and change.field in words.TEXTS and private:
        old, new = (_("(private)") if value else "" for value in (old, new))
    return {
        "change": change,
        "item": labels.get((change.item_kind, change.item_id), _("(no longer exists)")),
        "key": f"{change.item_kind}:{change.item_id}",
        "field": words.field_name(change.field),
        "old": old,
        "new": new,
        "is_conflict": change.kind == FieldChange.Kind.CONFLICT,
        "revertible": sync_history.revertible(change),
    }


@page
@require_safe
def runs(request: HttpRequest) -> HttpResponse:
    """Each time a calendar was read or written and something was done, or went wrong."""
    employee = subject(request)
    if employee is None:
        return people(request)
    open_changes = Count("changes", filter=Q(changes__reverted_at=None, changes__pair__isnull=False))
    found = Run.objects.filter(calendar=employee.calendar_id).annotate(count=Count("changes"), left=open_changes)
    found = found.order_by("-started_at", "-pk")
    shown = Paginator(found, RUNS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "integrations/runs.html", frame(request, employee) | {"shown": shown, "others": others(request)})


@page
@require_http_methods(["GET", "HEAD", "POST"])
def revert(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows what will go back; POST does it."""
    change = change_of(request, pk)
    employee = change.run.calendar.employee
    error = "" if change.pair else str(sync_history.ENDED)
    if request.method == "POST":
        try:
            sync_history.revert(change, user=request.user)
        except BookingError as refused:
            error = str(refused)
        else:
            messages.success(request, _("Reverted. The calendar follows in a moment."))
            return back(request, employee, "history")
    hide = employee.user_id != request.user.pk
    row = rows_of([change], ZoneInfo(employee.calendar.timezone), hide_private=hide)[0]
    return render(
        request, "integrations/revert.html", frame(request, employee) | {"row": row, "error": error}, status=409 if error and request.method == "POST" else 200
    )


@page
@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything one run did goes back, as far as it still can."""
    run = run_of(request, pk)
    employee = run.calendar.employee
    if request.method == "POST":
        done, refused = sync_history.revert_run(run, user=request.user)
        messages.success(request, ngettext("%(count)s change was reverted.", "%(count)s changes were reverted.", done) % {"count": done})
        for reason in refused:
            messages.error(request, _("Something stays as it is: %(reason)s") % {"reason": reason})
        return back(request, employee, "history")
    found = _with_all(FieldChange.objects.filter(run=run))[:PER_PAGE]
    rows = [row for row in rows_of(found, ZoneInfo(employee.calendar.timezone), hide_private=employee.user_id != request.user.pk) if row["revertible"]]
    return render(request, "integrations/undo.html", frame(request, employee) | {"run": run, "rows": rows})


def answers(kind: str, item_id: int) -> list[tuple[str, str]]:
    """Who was invited in the organiser's calendar, and what each answered there."""
    pairs = Pair.objects.filter(kind=kind, item_id=item_id).exclude(responses={}).exclude(state__in=[Pair.State.CLOSED, Pair.State.UNLINKED])
    found = [one | {"email": email} for pair in pairs for email, one in pair.responses.items()]
    return [(one.get("name") or one["email"], str(words.ANSWERS.get(one["is"], words.ANSWERS["needs-action"]))) for one in found]


def of_item(request: HttpRequest, item: Model) -> dict[str, object] | None:
    """The section on an item's own page: what travelled of it. Left out when nothing did."""
    kind = next((kind for kind, local in KINDS.items() if local.concerned(item) == [item.pk]), "")
    changes = FieldChange.objects.filter(item_kind=kind, item_id=item.pk).filter(allowed(request.user, "run__calendar__employee__user"))
    found = _with_all(changes)
    owner = found.values_list("run__calendar__employee", "run__calendar__employee__user", "run__calendar__timezone").first()
    if owner is None:
        return None
    employee_id, user_id, zone = owner
    rows = rows_of(found[:IN_SECTION], ZoneInfo(zone), hide_private=user_id != request.user.pk)
    whose = "" if user_id == request.user.pk else f"employee={employee_id}"
    return {
        "rows": rows,
        "answers": answers(kind, item.pk),
        "zone": zone,
        "item_key": f"{kind}:{item.pk}",
        "whose": f"?{whose}" if whose else "",
        "whose_more": f"&{whose}" if whose else "",
    }
