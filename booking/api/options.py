"""Extras and answers in requests, read by the forms that the pages use, so that both doors refuse the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import QueryDict
from django.utils.translation import gettext as _
from rest_framework import serializers

from booking import extras, questions
from booking.actions.answers import Given
from booking.actions.extras import Chosen
from booking.models import CustomField, Service
from booking.models.question import Kind


def extras_wished(service: Service, wished: Mapping[str, Any]) -> list[Chosen]:
    """By id how many; asks the database only where any are wished."""
    if not wished:
        return []
    data = {f"{extras.PREFIX}{key}": str(value) for key, value in wished.items()}
    form = extras.ExtrasForm(data, extras=extras.extras_of(service))
    if not form.is_valid():
        raise serializers.ValidationError({"extras": _errors(form, extras.PREFIX)})
    return form.chosen


def given(service: Service, answers: Mapping[str, Any]) -> list[Given]:
    """By id the answer; asks the database only where there are questions."""
    asked = list(CustomField.objects.asked_for(service)) if service.has_fields else []
    known = {str(one.pk): one for one in asked}
    if unknown := [key for key in answers if key not in known]:
        raise serializers.ValidationError({"answers": {str(key)[:64]: [_("This field is not known.")] for key in unknown[:20]}})
    if not asked:
        return []
    data, wrong = QueryDict(mutable=True), {}
    for key, value in answers.items():
        if (read := _as_typed(known[key], value)) is None:
            wrong[key] = [_("This is not an answer to this question.")]
        else:
            data.setlist(f"{questions.PREFIX}{key}{questions.KEPT if known[key].kind == Kind.FILE else ''}", read)
    form = questions.QuestionsForm(data, asked=asked)
    if wrong or not form.is_valid():
        raise serializers.ValidationError({"answers": _errors(form, questions.PREFIX) | wrong})
    return form.given


def _as_typed(field: CustomField, value: Any) -> list[str] | None:
    """As a browser would send it; None for another kind of value."""
    if value is None or value is False:
        return []
    if field.kind == Kind.CHECK:
        return ["1"] if value is True else None
    if field.kind == Kind.CHOICES:
        return value if isinstance(value, list) and all(isinstance(one, str) for one in value) else None
    if isinstance(value, date):
        return [value.isoformat()]
    return [value] if isinstance(value, str) else None


def _errors(form: forms.Form, prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix).replace(NON_FIELD_ERRORS, "non_field_errors"): list(found) for name, found in form.errors.items()}
