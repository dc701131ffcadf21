"""Sync rules: the default for everybody, and each user's or calendar's own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from booking.notifications.placeholders import allowed_in
from integrations import choosing
from integrations.local import KINDS
from integrations.models import Link, Rule
from integrations.pages.rule_form import CHOICES, FLAGS, NUMBERS, TEXTS, check_placeholders
from integrations.rules import concerned


class RuleForm(forms.ModelForm):
    class Meta:
        model = Rule
        fields = ["kind", "scope", "user", "link", *TEXTS, *CHOICES, *FLAGS, *NUMBERS]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "kind" in self.fields:
            self.fields["kind"] = forms.ChoiceField(
                choices=[(name, local.LABEL) for name, local in KINDS.items()], label=_("Kind"), required=False, initial=self.instance.kind
            )
        if "title" in self.fields:  # not for those who may only look
            listed = [(local.LABEL, allowed_in(local.WHERE)) for local in KINDS.values() if "title" in local.RULED]
            words = " · ".join(f"{label}: " + " ".join(f"%{one.name}%" for one in known) for label, known in listed)
            self.fields["title"].help_text = self.fields["description"].help_text = words

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        scope, user, link = data.get("scope"), data.get("user"), data.get("link")
        if scope and (bool(user), bool(link)) != (scope == Rule.Scope.USER, scope == Rule.Scope.LINK):
            raise forms.ValidationError(_("A rule for one user needs the user, one for a calendar the calendar, and one for everybody neither."))
        if Rule.objects.filter(scope=scope, user=user, link=link, kind=data.get("kind", self.instance.kind)).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("There is such a rule already. Please change that one."))
        for name in (*TEXTS, *CHOICES, *FLAGS, *NUMBERS):
            if data.get(name) not in (None, "") and name not in KINDS[data.get("kind", self.instance.kind)].RULED:
                self.add_error(name, _("This has no meaning for this kind. Please leave it empty."))
        return data

    def _kind(self) -> str:
        kind = str(self.cleaned_data.get("kind") or self.instance.kind)
        return kind if kind in KINDS else self.instance.kind

    def clean_kind(self) -> str:
        return str(self.cleaned_data["kind"] or self.instance.kind)

    def clean_title(self) -> str | None:
        return check_placeholders(" ".join((self.cleaned_data["title"] or "").split()), self._kind()) or None

    def clean_description(self) -> str | None:
        """Here empty asks the next wider rule, like every other field."""
        return check_placeholders((self.cleaned_data["description"] or "").replace("\r\n", "\n").strip(), self._kind()) or None


@admin.register(Rule)
class RuleAdmin(admin.ModelAdmin):
    """Each save brings the calendars concerned up to date. A field left empty asks the next wider rule: calendar, user, everybody."""

    form = RuleForm
    list_display = ["scope", "user", "link", "kind", "direction", "priority", "on_remote_delete"]
    list_filter = ["kind", "scope", "direction"]
    list_select_related = ["user", "link"]
    autocomplete_fields = ["user", "link"]
    fieldsets = [
        (None, {"fields": ["kind", "scope", "user", "link"]}),
        (_("What stands in the calendar"), {"fields": list(TEXTS)}),
        (_("Direction and conflicts"), {"fields": list(CHOICES)}),
        (_("Which appointments, and busy times"), {"fields": [*FLAGS, *NUMBERS]}),
    ]

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:
        with transaction.atomic():
            before = concerned(Rule.objects.get(pk=obj.pk)) if change else []
            super().save_model(request, obj, form, change)
            self._bring_up_to_date([*before, *concerned(obj)])

    def delete_model(self, request: HttpRequest, obj: Rule) -> None:
        self.delete_queryset(request, Rule.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        with transaction.atomic():
            links = [link for rule in queryset for link in concerned(rule)]
            queryset.delete()
            self._bring_up_to_date(links)

    def _bring_up_to_date(self, links: list[Link]) -> None:
        choosing.rule_changed(list({link.pk: link for link in links}.values()))
