"""{{ problem|told }}: what went wrong, in the reader's language."""

from __future__ import annotations

from django import template

from integrations.told import told

register = template.Library()
register.filter("told", told)
