"""Pages that show a record's versions and go back to one."""

from __future__ import annotations

from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from simple_history.admin import SimpleHistoryAdmin


class HistoryAdmin(SimpleHistoryAdmin):
    """simple-history's pages, where going back is a change like any other: it needs that permission, and touches only what the form shows.

    What is outside the form (versions of links, say) keeps its present value: going back must not revive what was revoked.
    A record that has been deleted stays deleted; its history can be read.
    """

    def history_form_view(self, request: HttpRequest, object_id: str, version_id: str, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not (object_id.isdecimal() and version_id.isdecimal()):
            raise Http404
        if request.method != "POST":
            return cast(HttpResponse, super().history_form_view(request, object_id, version_id, extra_context))
        with transaction.atomic():
            present = self.get_queryset(request).filter(pk=object_id).first()
            if present is None:
                raise Http404(_("It has been deleted."))
            if not self.has_change_permission(request, present):
                raise PermissionDenied
            return cast(HttpResponse, super().history_form_view(request, object_id, version_id, extra_context))

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        gone = obj is not None and not self.model._default_manager.filter(pk=obj.pk).exists()
        return gone or super().revert_disabled(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:
        if is_revert(request):
            present = self.model._default_manager.get(pk=obj.pk)
            for field in self.model._meta.concrete_fields:
                if field.name not in form.cleaned_data:
                    setattr(obj, field.attname, getattr(present, field.attname))
        super().save_model(request, obj, form, change)


def is_revert(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and (match.url_name or "").endswith("_simple_history")
