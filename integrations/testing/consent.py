"""What a person does in her browser at a consent page: chooses her account, unticks, agrees or cancels."""

from __future__ import annotations

import re
from collections.abc import Collection
from html import unescape
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

_BROWSER = httpx.Client(timeout=30, trust_env=False)  # one: each client reads all certificates there are


def decide(address: str, account: str, *, without: Collection[str] = (), cancel: bool = False) -> str:
    """Opens the address an application sends her to, and gives the one she is sent back to. `without`: scopes, or ends of their names, that she unticks.
    AssertionError with the page's text when there is nothing to agree to."""
    page = _BROWSER.get(address, follow_redirects=True)
    found = re.search(r'name="query" value="([^"]*)"', page.text)
    assert found, f"{page.status_code} {re.sub(r'<style>.*?</style>|<[^<>]*>', ' ', page.text)}"
    boxes = re.findall(r'name="scope" value="([^"]*)" checked(?! disabled)', page.text)
    ticked = [one for one in map(unescape, boxes) if not one.endswith(tuple(without) or "\n")]
    form = {"query": unescape(found[1]), "account": account, "scope": ticked, "answer": "deny" if cancel else "allow"}
    answer = _BROWSER.post(str(page.url.copy_with(query=None)), data=form)
    assert answer.status_code == 302, answer.text
    return urljoin(address, answer.headers["Location"])


def told(address: str) -> dict[str, str]:
    """What the address she is sent back to says."""
    return dict(parse_qsl(urlsplit(address).query))
