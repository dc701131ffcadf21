"""Meetings as JSON."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request

from booking.api.fields import IdField, InstantField, LineField, TextField, TimeZoneField
from crm.models import Meeting
from crm.models.meeting import FOUR_WEEKS

HIDDEN = ("title", "description", "location", "exceptions")


class MeetingAnswer(serializers.ModelSerializer):
    """What a private meeting of somebody else is about is left empty."""

    class Meta:
        model = Meeting
        fields = (
            *("id", "owner", "title", "start", "end", "all_day", "timezone", "recurrence", "exceptions", "description", "location", "show_as"),
            *("private", "reminder", "status", "sync_enabled"),
        )
        read_only_fields = fields

    def to_representation(self, instance: Meeting) -> dict[str, Any]:
        data: dict[str, Any] = super().to_representation(instance)
        request: Request = self.context["request"]
        if instance.private and instance.owner.user_id != request.user.pk:
            data |= {name: {} if name == "exceptions" else "" for name in HIDDEN}
        return data


class MeetingRequest(serializers.Serializer):
    """A new meeting, or what of one shall be otherwise. Of an all-day one the days of start and end count, by the owner's clock; the end is exclusive."""

    owner = IdField(required=False, help_text="Of the employee whose meeting it is: one's own when left out. Can't be changed.")
    title = LineField(max_length=300)
    start = InstantField()
    end = InstantField()
    all_day = serializers.BooleanField(required=False)
    timezone = TimeZoneField(required=False, help_text="The zone of a series' wall times; the owner's when left out.")
    recurrence = serializers.ListField(child=LineField(max_length=4_000), max_length=5, required=False, help_text='RFC 5545, such as "RRULE:FREQ=WEEKLY".')
    description = TextField(max_length=20_000, required=False, allow_blank=True)
    location = LineField(max_length=500, required=False, allow_blank=True)
    show_as = serializers.ChoiceField(choices=Meeting.ShowAs.choices, required=False)
    private = serializers.BooleanField(required=False)
    reminder = serializers.IntegerField(min_value=0, max_value=FOUR_WEEKS, required=False, allow_null=True, help_text="Minutes before the start.")
    status = serializers.ChoiceField(choices=Meeting.Status.choices, required=False)
    sync_enabled = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if unknown := set(self.initial_data) - set(self.fields):
            raise serializers.ValidationError({name: [_("There is no such field.")] for name in sorted(unknown)})
        if self.partial and "owner" in attrs:
            raise serializers.ValidationError({"owner": [_("The owner can't be changed.")]})
        if "timezone" in attrs:
            attrs["timezone"] = attrs["timezone"].key
        return attrs


class MeetingPage(serializers.Serializer):
    """One page of a list."""

    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = MeetingAnswer(many=True)
