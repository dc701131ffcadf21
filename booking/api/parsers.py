"""Reads a JSON body that may be hostile: long, deep, or no object at all."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

LIMIT = 64 * 1024


class SmallJSONParser(JSONParser):
    """One JSON object of at most 64 KiB; ParseError otherwise."""

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        body = stream.read(LIMIT + 1)
        if len(body) > LIMIT:
            raise ParseError(_("The body is too long."))
        try:
            data = super().parse(BytesIO(body), media_type, parser_context)
        except RecursionError as error:
            raise ParseError(_("The body is nested too deeply.")) from error
        if not isinstance(data, dict):
            raise ParseError(_("The body must be a JSON object."))
        return data
