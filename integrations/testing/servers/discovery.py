"""Checks requests against an official Google discovery document (the one inside google-api-python-client): what it does not describe is refused."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from importlib.metadata import distribution
from typing import Any
from urllib.parse import parse_qsl, quote, unquote


class Refusal(Exception):
    """An error answer, worded as Google words it ("Handle API errors")."""

    def __init__(self, status: int, reason: str, message: str, *, domain: str = "global", location: str = "", after: str = "") -> None:
        super().__init__(message)
        self.status, self.reason, self.message, self.domain, self.location, self.after = status, reason, message, domain, location, after

    def body(self) -> bytes:
        detail = {"domain": self.domain, "reason": self.reason, "message": self.message}
        if self.location:
            detail |= {"locationType": "parameter", "location": self.location}
        return json.dumps({"error": {"errors": [detail], "code": self.status, "message": self.message}}).encode()


@dataclass(frozen=True, slots=True)
class Call:
    """A checked request. `id` as in the document, e.g. "calendar.events.insert"; `given`: parameters of path and query, typed; `body`: checked."""

    id: str
    given: dict[str, Any]
    body: dict[str, Any]


class Document:
    """The description of one interface, e.g. "calendar.v3"."""

    def __init__(self, name: str) -> None:
        place = distribution("google-api-python-client").locate_file(f"googleapiclient/discovery_cache/documents/{name}.json")
        self.text = json.loads(open(str(place), encoding="utf-8").read())  # noqa: SIM115 - read and closed at once
        self.root = "/" + self.text["servicePath"]
        self.batch = "/" + self.text["batchPath"]
        self.methods = [method for resource in self.text["resources"].values() for method in resource["methods"].values()]
        self.scopes = {method["id"]: frozenset(method.get("scopes", ())) for method in self.methods}
        self.patterns = [(method, re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(method["path"])))) for method in self.methods]

    def check(self, verb: str, target: str, content: bytes) -> Call:
        """The call that a request is. Raises Refusal."""
        path, _, query = target.partition("?")
        for method, pattern in self.patterns:
            found = pattern.fullmatch(path.removeprefix(self.root)) if path.startswith(self.root) else None
            if found and method["httpMethod"] == verb:
                given = {name: unquote(value) for name, value in found.groupdict().items()}
                return Call(method["id"], given | self._query(method, query), self._body(method, content))
        raise Refusal(404, "notFound", "Not Found")

    def _query(self, method: dict[str, Any], query: str) -> dict[str, Any]:
        known = self.text["parameters"] | {name: one for name, one in method.get("parameters", {}).items() if one["location"] == "query"}
        found: dict[str, Any] = {}
        for name, text in parse_qsl(query, keep_blank_values=True):
            rule = known.get(name)
            if rule is None:
                raise Refusal(400, "invalidParameter", f"Unknown parameter: {name}", location=name)
            value = self._parameter(name, rule, text)
            if rule.get("repeated"):
                found.setdefault(name, []).append(value)
            elif name in found:
                raise Refusal(400, "invalidParameter", f"Parameter given twice: {name}", location=name)
            else:
                found[name] = value
        return found

    def _parameter(self, name: str, rule: dict[str, Any], text: str) -> Any:
        wrong = Refusal(400, "invalidParameter", f"Invalid value for parameter: {name}", location=name)
        if "enum" in rule and text not in rule["enum"]:
            raise wrong
        if rule["type"] == "boolean":
            if text not in ("true", "false"):
                raise wrong
            return text == "true"
        if rule["type"] == "integer":
            if not re.fullmatch(r"-?\d{1,10}", text) or not int(rule.get("minimum", -(2**31))) <= int(text) <= int(rule.get("maximum", 2**31 - 1)):
                raise wrong
            return int(text)
        if rule.get("format") == "date-time" and not _moment(text, offset=True):
            raise wrong
        return text

    def _body(self, method: dict[str, Any], content: bytes) -> dict[str, Any]:
        if "request" not in method:
            if content:
                raise Refusal(400, "badRequest", "This request has no body.")
            return {}
        try:
            value = json.loads(content or b"{}")
        except ValueError as error:
            raise Refusal(400, "parseError", "Parse Error") from error
        self._value(value, {"$ref": method["request"]["$ref"]}, "")
        assert isinstance(value, dict)
        for name, rule in self.text["schemas"][method["request"]["$ref"]]["properties"].items():
            if method["id"] in rule.get("annotations", {}).get("required", ()) and value.get(name) is None:
                raise Refusal(400, "required", f"Missing {name}.", location=name)
        return value

    def _value(self, value: Any, rule: dict[str, Any], path: str) -> None:
        """Raises Refusal for what the schema does not allow. null stands for "nothing" everywhere."""
        if value is None:
            return
        if "$ref" in rule:
            rule = self.text["schemas"][rule["$ref"]]
        kind, form = rule.get("type"), rule.get("format", "")
        fits = {
            "object": isinstance(value, dict),
            "array": isinstance(value, list),
            "string": isinstance(value, str),
            "boolean": isinstance(value, bool),
            "integer": isinstance(value, int) and not isinstance(value, bool),
            "number": isinstance(value, int | float) and not isinstance(value, bool),
            "any": True,
        }[str(kind)]
        if not fits or (form and isinstance(value, str) and not _formatted(value, form)):
            raise Refusal(400, "invalid", f"Invalid value for: {path}", location=path)
        if isinstance(value, list):
            for one in value:
                self._value(one, rule["items"], path)
        if isinstance(value, dict):
            for name, one in value.items():
                inner = rule.get("properties", {}).get(name) or rule.get("additionalProperties")
                if inner is None:
                    raise Refusal(400, "invalid", f'Unknown name "{name}" at "{path}": Cannot find field.', location=name)
                self._value(one, inner, f"{path}.{name}".lstrip("."))


def _formatted(value: str, form: str) -> bool:
    if form == "date-time":
        return _moment(value, offset=False)
    if form == "date":
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value)) and _reads(date.fromisoformat, value)
    if form in ("int64", "uint64"):
        return bool(re.fullmatch(r"-?\d{1,19}", value))
    return True


def _moment(text: str, *, offset: bool) -> bool:
    """RFC 3339; the offset may be missing where a time zone is named beside it."""
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)" + ("" if offset else "?")
    return bool(re.fullmatch(pattern, text)) and _reads(datetime.fromisoformat, text)


def _reads(read: Any, text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def segment(text: str) -> str:
    """A value as part of a path."""
    return quote(text, safe="")
