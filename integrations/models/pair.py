"""The memory of the last agreement between one of our items and one remote event."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integrations.models.link import Link


class Pair(models.Model):
    """`base` is the snapshot (see items.snapshot) both sides agreed on last, with the item's own times under "own"; `seen` is the same as the
    other side shows it, where it rewrites what it is given; `kept` holds groups edited there that replace the template.

    `key` is the marker the remote event carries: installation, kind, item, link, generation. It is saved before the first call, so
    that whatever becomes of the answer the event is recognised.

    `mode` copy: the event of the organiser's calendar stands here as the provider's copy for an attendee; it is followed, never written. While
    such a copy is expected the state is creating; at `wait_until` the link gets an event of its own.
    """

    class Mode(models.TextChoices):
        OWN = "own", _("written by us")
        MOVED = "moved", _("moved here by its owner")
        COPY = "copy", _("copy for an attendee")

    class State(models.TextChoices):
        CREATING = "creating", _("being created")
        LIVE = "live", _("in step")
        CONFLICT = "conflict", _("conflict")
        GONE_THERE = "gone_there", _("gone in the calendar")
        UNLINKED = "unlinked", _("no longer followed")
        CLOSED = "closed", _("ended")

    link = models.ForeignKey(Link, models.CASCADE, related_name="pairs")
    kind = models.CharField(max_length=20)
    item_id = models.PositiveBigIntegerField()
    generation = models.PositiveIntegerField(default=1)
    key = models.CharField(max_length=120, unique=True)
    state = models.CharField(max_length=12, choices=State, default=State.CREATING)
    mode = models.CharField(max_length=5, choices=Mode, default=Mode.OWN)
    wait_until = models.DateTimeField(null=True)
    # An event of ours that a copy has taken the place of and that is still to be deleted.
    leftover = models.CharField(max_length=1000, blank=True)
    # What the attendees we wrote have answered there: {"address": {"is": "accepted", "told": true}}; "removed" where somebody took them off.
    responses = models.JSONField(default=dict)
    untold = models.BooleanField(default=False, db_index=True)
    remote_id = models.CharField(max_length=1000, blank=True)
    uid = models.CharField(max_length=500, blank=True)
    etag = models.CharField(max_length=500, blank=True)
    base = models.JSONField(default=dict)
    seen = models.JSONField(default=dict)
    kept = models.JSONField(default=dict)
    # What the calendar wants while a conflict waits for a person.
    theirs = models.JSONField(default=dict)
    problem = models.CharField(max_length=500, blank=True)
    gone_at = models.DateTimeField(null=True)
    put_back = models.BooleanField(default=False)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["link", "kind", "item_id"], name="pair_once")]
        indexes = [models.Index(fields=["link", "remote_id"], name="pair_remote"), models.Index(fields=["kind", "item_id"], name="pair_item")]

    @property
    def is_private(self) -> bool:
        """Whether its owner made the event private there."""
        return bool(self.base.get("private") or self.theirs.get("private"))

    def let_go(self) -> None:
        """No longer followed: what stands there is foreign, and counts as that from the next full reading on. The caller saves."""
        self.state = self.State.UNLINKED
        Link.objects.filter(pk=self.link_id).update(listed_at=None, next_pull_at=timezone.now())

    def save_agreed(self) -> None:
        """All but `kept` and `responses`: while a call is running a person may take a text back, or be told of an answer, and that must not be undone by
        what was loaded before."""
        named = [field.name for field in self._meta.concrete_fields if field.name not in ("id", "kept", "responses", "untold")]
        self.save(update_fields=None if self._state.adding else named)

    def __str__(self) -> str:
        return f"{self.kind} {self.item_id} ↔ {self.link}"
