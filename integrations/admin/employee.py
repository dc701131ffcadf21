"""On the employee's page: whether a calendar is connected, as whom, when it last synced; and a mail with the link to connect one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from booking.admin import sections
from booking.models import Employee
from integrations import connect
from integrations.models import Account
from integrations.told import told


def shown(request: HttpRequest, employee: Employee) -> str:
    """A line for each account, and the way to the pages where it is set up."""
    accounts = Account.objects.filter(user=employee.user_id).defer("secrets") if employee.user_id else Account.objects.none()
    lines = format_html_join(
        "", "<li>{}: {} · {}{}</li>", ((one, one.get_state_display(), _last(one), f" · {told(one.problem)}" if one.problem else "") for one in accounts)
    )
    listed = format_html("<ul>{}</ul>", lines) if accounts else _("Not connected.")
    if not employee.user_id:
        return _("Not connected: the employee has no sign-in.")
    url = f"{reverse('integrations:calendars')}?employee={employee.pk}"
    return format_html('{} <a href="{}">{}</a>', listed, url, _("Calendars and rules of this employee"))


def _last(account: Account) -> str:
    if account.last_ok_at is None:
        return _("never synced")
    return _("last sync %(when)s") % {"when": date_format(localtime(account.last_ok_at), "SHORT_DATETIME_FORMAT")}


@admin.action(description=gettext_lazy("Send the link to connect a calendar"), permissions=["change"])
def send_connect_link(model_admin: Any, request: HttpRequest, queryset: QuerySet[Employee]) -> None:
    sent = [connect.send_link(employee) for employee in queryset.select_related("user")]
    if count := sum(sent):
        messages.success(request, ngettext("%d mail has been sent.", "%d mails have been sent.", count) % count)
    if without := len(sent) - count:
        messages.warning(request, ngettext("%d employee has no sign-in or no address.", "%d employees have no sign-in or no address.", without) % without)


sections.register_section(sections.Section("calendars", gettext_lazy("Calendars"), shown))
sections.register_action(send_connect_link)
