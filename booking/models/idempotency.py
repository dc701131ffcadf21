"""Answers kept by Idempotency-Key, so that a repeated request is told the same again."""

from __future__ import annotations

from django.db import models


class IdempotencyKey(models.Model):
    """`key` as the client sent it, hashed with the address it came through; `request_hash` tells another body apart."""

    key = models.CharField(max_length=64, unique=True)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return self.key[:8]
