"""WebDAV (RFC 4918, RFC 6578): requests on one server, and its multistatus answers."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urljoin, urlsplit
from xml.etree.ElementTree import Element, ParseError, tostring

from integrations.contract import ProviderError, Retry
from integrations.wire import xml
from integrations.wire.http import Answer, Client, origin, problem, stay

NAMES = {"d": "DAV:", "c": "urn:ietf:params:xml:ns:caldav", "s": "http://calendarserver.org/ns/", "i": "http://apple.com/ns/ical/"}


def tag(name: str) -> str:
    """ "c:calendar-data" as ElementTree names it."""
    prefix, _, local = name.partition(":")
    return f"{{{NAMES[prefix]}}}{local}"


def element(kind: str, /, *children: Element, text: str = "", **attributes: str) -> Element:
    made = Element(tag(kind), {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()})
    made.text = text or None
    made.extend(children)
    return made


def wanted(*names: str) -> Element:
    """A DAV:prop that asks for these properties."""
    return element("d:prop", *(element(name) for name in names))


@dataclass(frozen=True, slots=True)
class Row:
    """A response within a multistatus. `path` is canonical; `props` by Clark name, only those the server has; `status` 200 where there are any."""

    path: str
    status: int
    props: dict[str, Element] = field(default_factory=dict)

    def text(self, name: str) -> str:
        found = self.props.get(tag(name))
        return (found.text or "").strip() if found is not None else ""

    def hrefs(self, name: str) -> list[str]:
        found = self.props.get(tag(name))
        return [(one.text or "").strip() for one in found.iter(tag("d:href"))] if found is not None else []

    def has(self, name: str, *inner: str) -> bool:
        """Whether the property contains one of these elements at any depth."""
        found = self.props.get(tag(name))
        return found is not None and any(next(found.iter(tag(one)), None) is not None for one in inner)


@dataclass(frozen=True, slots=True)
class Multistatus:
    rows: tuple[Row, ...]
    token: str = ""


class Dav:
    """One server, one login. Every address is checked to be on the host the password was given for."""

    def __init__(self, client: Client, address: str, username: str, password: str) -> None:
        self.client, self.address = client, address
        self.home = origin(address)
        self.auth = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()

    def url(self, href: str, base: str = "") -> str:
        """The absolute address of an href found in an answer."""
        try:
            made = urljoin(base or self.address, href)
            urlsplit(made)
        except ValueError as error:
            raise Retry("The server's answer can't be read.") from error
        return made

    def request(self, method: str, url: str, *, headers: dict[str, str] | None = None, content: bytes = b"") -> Answer:
        """Any answer below 500; Retry is raised for the others, as for none at all."""
        stay(url, self.home)
        answer = self.client.request(method, url, headers=headers, content=content, auth=self.auth)
        if answer.status >= 500 or answer.status in (408, 423, 425, 429):
            raise problem(answer)
        return answer

    def send(self, method: str, url: str, body: Element, *, depth: str = "0") -> Answer:
        content = b'<?xml version="1.0" encoding="utf-8"?>' + tostring(body)
        return self.request(method, url, headers={"Depth": depth, "Content-Type": "application/xml; charset=utf-8"}, content=content)

    def multistatus(self, method: str, url: str, body: Element, *, depth: str = "0") -> Multistatus:
        """The rows of a 207; anything else is raised. A 200 with a page for people is a failure, never an empty list."""
        answer = self.send(method, url, body, depth=depth)
        if answer.status != 207:
            raise Refused(answer)
        root = xml.read(answer.body)
        if root.tag != tag("d:multistatus"):
            raise Retry("The server's answer can't be read.")
        return Multistatus(tuple(_row(part) for part in root.findall(tag("d:response"))), (root.findtext(tag("d:sync-token")) or "").strip())

    def propfind(self, url: str, *names: str, depth: str = "0") -> tuple[Row, ...]:
        """The asked properties of a resource and, with depth 1, of its members. Raises Refused also for a 207 that says 404 of the resource itself."""
        rows = self.multistatus("PROPFIND", url, element("d:propfind", wanted(*names)), depth=depth).rows
        for row in rows:
            if row.status >= 400 and row.path.rstrip("/") == canonical(url).rstrip("/"):
                raise Refused(Answer(row.status, {}, b"", url))
        return rows


class Refused(Exception):
    """An answer that is no multistatus; `condition` is the precondition it names (RFC 4918 §16). Servers agree on that element, not on the status."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer, self.condition = answer, condition(answer)

    @property
    def error(self) -> ProviderError:
        return problem(self.answer)


def condition(answer: Answer) -> str:
    """The local name of the first element in DAV:error, e.g. "valid-sync-token"; "" for none."""
    try:
        root = xml.read(answer.body)
    except (Retry, ParseError):
        return ""
    return root[0].tag.rpartition("}")[2] if root.tag == tag("d:error") and len(root) else ""


def canonical(href: str) -> str:
    """The path of an href in one spelling: servers escape differently, and change their minds."""
    return "/".join(quote(unquote(part), safe="!$&'()*+,;=:@~") for part in urlsplit(href).path.split("/"))


def etag(text: str) -> str:
    """An entity tag as it can be compared and sent back with If-Match; proxies that compress make it weak."""
    return text.strip().removeprefix("W/")


def _row(response: Element) -> Row:
    props: dict[str, Element] = {}
    known = False
    for part in response.findall(tag("d:propstat")):
        if _status(part) == 200:
            known = True
            for prop in part.iterfind(f"{tag('d:prop')}/*"):
                props[prop.tag] = prop
    status = _status(response) or (200 if known or response.find(tag("d:propstat")) is not None else 0)
    return Row(canonical(response.findtext(tag("d:href")) or ""), status, props)


def _status(part: Element) -> int:
    words = (part.findtext(tag("d:status")) or "").split()
    return int(words[1]) if len(words) > 1 and words[1].isdecimal() else 0


def hrefs(paths: Sequence[str]) -> list[Element]:
    return [element("d:href", text=path) for path in paths]
