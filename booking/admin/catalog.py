"""What is sold: categories, services with their extras and who offers them, the questions of the booking form, places."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from booking.admin.history import HistoryAdmin
from booking.models import Category, CustomField, Extra, Location, Offer, Service, SpecialDay, WorkingHours
from booking.models.question import CHOOSING


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    list_display = ["name", "color", "position"]
    list_editable = ["position"]
    search_fields = ["name"]
    fields = ["name", "color", "picture", "position"]


@admin.register(Location)
class LocationAdmin(admin.ModelAdmin):
    list_display = ["name", "address", "phone"]
    search_fields = ["name", "address"]


class OfferInline(admin.TabularInline):
    model = Offer
    extra = 0
    fields = ["employee", "price", "duration"]


class ExtraInline(admin.TabularInline):
    model = Extra
    extra = 0
    fields = ["name", "description", "duration", "price", "max_quantity", "is_active", "position"]
    formfield_overrides = {models.TextField: {"widget": forms.Textarea(attrs={"rows": 2, "cols": 30})}}


@admin.register(Service)
class ServiceAdmin(HistoryAdmin):
    list_display = ["name", "category", "duration", "price", "needs_approval", "is_active", "position"]
    list_editable = ["position"]
    list_filter = ["is_active", "category", "locations"]
    list_select_related = ["category"]
    search_fields = ["name"]
    filter_horizontal = ["locations"]
    inlines = [OfferInline, ExtraInline]
    history_list_display = ["price", "is_active"]
    fieldsets = [
        (None, {"fields": ["name", "category", "locations", "description", "color", "picture", "price", "is_active", "position"]}),
        (_("Time"), {"fields": ["duration", "buffer_before", "buffer_after", "slot_step"]}),
        (_("Persons"), {"fields": ["min_capacity", "max_capacity", "assignment", "collective", "max_per_customer", "limit_days", "waiting_list"]}),
        (_("Booking"), {"fields": ["needs_approval", "min_notice", "horizon", "reschedule_notice", "cancel_notice"]}),
    ]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Hours that are for it alone would be for everything without it."""
        found, counted, missing, protected = super().get_deleted_objects(objs, request)
        return found, counted, missing, [*protected, *_alone([one.pk for one in objs])]


def _alone(services: list[int]) -> list[str]:
    """The hours that are for nothing but these services, in words."""
    told = []
    for kind in (WorkingHours, SpecialDay):
        others = kind.services.through.objects.filter(**{f"{kind._meta.model_name}_id": OuterRef("pk")}).exclude(service__in=services)
        for one in kind.objects.filter(services__in=services).exclude(Exists(others)).select_related("calendar").distinct():
            told.append(f"{one.calendar}: {one}")
    return told


class CustomFieldForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        typed: dict[str, Any] = super().clean() or self.cleaned_data
        if typed.get("kind") in CHOOSING and not (typed.get("choices") or "").strip():
            self.add_error("choices", gettext("Please enter what there is to choose from."))
        return typed


@admin.register(CustomField)
class CustomFieldAdmin(admin.ModelAdmin):
    """The number is what placeholders and deep links call it by."""

    form = CustomFieldForm
    list_display = ["label", "pk", "kind", "required", "is_active", "position"]
    list_editable = ["position"]
    list_filter = ["is_active", "kind", "services"]
    search_fields = ["label"]
    filter_horizontal = ["services"]
    fields = ["label", "kind", "choices", "help", "required", "services", "is_active", "position"]
