"""What may be written to the log: routes instead of paths, since paths of customer links are secrets."""

from __future__ import annotations

import logging

from django.http import HttpRequest
from django.urls import Resolver404, resolve


def safe_path(request: HttpRequest) -> str:
    """The route that answers the request (`/manage/<token>/`); what no route answers is not repeated."""
    match = request.resolver_match
    if match is None:
        try:
            match = resolve(request.path_info)
        except Resolver404:
            return "(no such page)"
    return f"/{match.route}"


class WithoutSecrets(logging.Filter):
    """Replaces the request's path in Django's own records by its route, and keeps each record on one line."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest):
            text = record.getMessage()
            for secret in {request.get_full_path(), request.path}:
                if len(secret) > 1:
                    text = text.replace(secret, safe_path(request))
            record.msg, record.args = text, ()
        elif record.args:
            text = record.getMessage()
            record.msg, record.args = text, ()
        if isinstance(record.msg, str) and ("\n" in record.msg or "\r" in record.msg):
            # A line break in foreign text must not look like a record of its own.
            record.msg = record.msg.replace("\r", "\\r").replace("\n", "\\n")
        return True
