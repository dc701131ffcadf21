"""The other side's promise to tell us when a linked calendar changes, and what it has told."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from integrations import contract
from integrations.models.account import Account
from integrations.models.link import Link


class Subscription(models.Model):
    """A link has one that is not `ending`; without `remote_id` it is only wished for, and `problem` says why it could not be had so far.

    What was told stands here and not at the link, whose row is locked while changes are taken in: whoever calls must not wait for that.
    """

    class Told(models.TextChoices):
        NOTHING = ""
        CHANGED = "changed"  # read on from the cursor
        MISSED = "missed"  # something was left out: read everything

    account = models.ForeignKey(Account, models.CASCADE, related_name="subscriptions")
    link = models.ForeignKey(Link, models.SET_NULL, null=True, related_name="subscriptions")
    remote_id = models.CharField(max_length=200, blank=True)
    resource = models.CharField(max_length=1500, blank=True)
    # Where they call us with it; one that names another address than ours is now is replaced.
    address = models.CharField(max_length=500, blank=True)
    # SHA-256 of the token that comes with each call; 256 random bits need no slower hash.
    secret = models.CharField(max_length=64, blank=True)
    expires_at = models.DateTimeField(_("told of changes until"), null=True)
    told = models.CharField(max_length=10, choices=Told, default=Told.NOTHING, blank=True)
    # Readings in a row that found something nobody had told us of.
    unheard = models.PositiveSmallIntegerField(default=0)
    # No longer wanted, or replaced: it is ended there and then deleted here.
    ending = models.BooleanField(default=False)
    # When something is to be done with it: made, renewed or ended.
    due_at = models.DateTimeField(db_index=True)
    failures = models.PositiveSmallIntegerField(default=0)
    problem = models.CharField(_("problem"), max_length=500, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["link"], condition=Q(ending=False), name="subscription_one_current")]
        indexes = [models.Index(fields=["link"], condition=~Q(told=""), name="subscription_told")]

    def __str__(self) -> str:
        return self.remote_id or "(wished for)"

    def knows(self, token: str) -> bool:
        """Whether this is the token it was made with; compared in constant time."""
        return bool(self.secret) and hmac.compare_digest(self.secret, digest(token))

    def lives(self, now: datetime) -> bool:
        """Whether it holds at the other side, as far as we know."""
        return bool(self.remote_id) and self.expires_at is not None and self.expires_at > now

    def plain(self) -> contract.Subscription:
        assert self.expires_at is not None
        return contract.Subscription(self.remote_id, self.resource, self.expires_at)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
