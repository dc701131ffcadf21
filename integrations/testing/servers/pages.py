"""Pages for people at the local servers: plain HTML, light and dark, no scripts but the server's own."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from urllib.parse import urlsplit

from integrations.testing.servers.wire import Answer

STYLE = """
:root{color-scheme:light dark;--ground:#f4f5f7;--card:#fff;--ink:#1c1e21;--soft:#5b6470;--line:#d5d9df;--key:#0b57d0;--on-key:#fff}
@media(prefers-color-scheme:dark){:root{--ground:#14161a;--card:#1e2127;--ink:#eceef1;--soft:#a4adb9;--line:#383d46;--key:#8ab4f8;--on-key:#10131a}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{max-width:34rem;margin:0 auto;padding:1.5rem 1rem}main.wide{max-width:76rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.25rem;margin:0 0 1rem}
h1{font-size:1.4rem;line-height:1.25;margin:0 0 .5rem}h2{font-size:1.05rem;margin:1.25rem 0 .5rem}p{margin:.5rem 0}.soft{color:var(--soft)}
fieldset{border:0;padding:0;margin:1rem 0}legend{font-weight:600;padding:0;margin-bottom:.35rem}label{display:block}
label.row{display:flex;gap:.75rem;align-items:flex-start;padding:.6rem .25rem;border-top:1px solid var(--line);overflow-wrap:anywhere}
label.row small{display:block;color:var(--soft)}input[type=radio],input[type=checkbox]{flex:none;width:1.15rem;height:1.15rem;margin:.2rem 0 0;accent-color:var(--key)}
input:not([type=radio],[type=checkbox]),select{font:inherit;color:inherit;background:var(--card);border:1px solid var(--soft);border-radius:.4rem;padding:.4rem .55rem;min-height:2.6rem;width:100%}
button,.button{font:inherit;min-height:2.6rem;padding:.4rem 1rem;border-radius:.4rem;border:1px solid var(--soft);background:transparent;color:inherit;cursor:pointer;text-decoration:none;display:inline-flex;align-items:center}
button.key{background:var(--key);border-color:var(--key);color:var(--on-key);font-weight:600}.acts{display:flex;gap:.75rem;justify-content:flex-end;flex-wrap:wrap;margin-top:1rem}
a{color:var(--key)}:focus-visible{outline:3px solid var(--key);outline-offset:2px}code{overflow-wrap:anywhere}
.bar{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin:0 0 1rem}.bar .grow{flex:1}.days{display:grid;gap:.75rem;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr))}
@media(max-width:40rem){.days{grid-template-columns:1fr}}.day{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:.75rem;min-width:0}
.day h2{margin:0 0 .5rem;font-size:1rem}.day.today{border-color:var(--key)}.day ul{list-style:none;margin:0;padding:0}.day li{border-top:1px solid var(--line);padding:.5rem 0;overflow-wrap:anywhere}
.day li a{font-weight:600;display:inline-block;min-height:1.5rem}.day li small{display:block;color:var(--soft)}form.grid{display:grid;gap:.75rem;grid-template-columns:repeat(auto-fit,minmax(13.5rem,1fr));align-items:end}
.wrong{border-left:4px solid #c5221f;padding-left:.75rem}
"""


def answer(title: str, body: str, *, status: int = 200, wide: bool = False, forms_to: str = "") -> Answer:
    """A whole page; `body` is HTML. `forms_to`: an address to which a form on it may lead in the end."""
    place = urlsplit(forms_to)
    also = f" {place.scheme}://{place.netloc}" if place.netloc else ""
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title><style>{STYLE}</style>'
    text = f'<!doctype html><html lang="en"><head>{head}</head><body><main{" class=wide" if wide else ""}>{body}</main></body></html>'
    policy = f"default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; form-action 'self'{also}; frame-ancestors 'none'; base-uri 'none'"
    return status, {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Content-Security-Policy": policy}, text.encode()


def consent(brand: str, app: str, people: Iterable[tuple[str, str]], hint: str, scopes: Iterable[tuple[str, str, bool]], query: str) -> str:
    """The account picker and what is asked for. people: (e-mail, name); scopes: (scope, in plain words, may be left out); `query` comes back as it is."""
    listed = list(people)
    first = next((email for email, _ in listed if email.casefold() == hint.casefold()), listed[0][0] if listed else "")
    accounts = "".join(
        f'<label class="row"><input type="radio" name="account" value="{escape(email)}" required{" checked" if email == first else ""}>'
        f"<span>{escape(name)}<small>{escape(email)}</small></span></label>"
        for email, name in listed
    )
    wishes = "".join(
        f'<label class="row"><input type="checkbox" name="scope" value="{escape(scope)}" checked{"" if optional else " disabled"}>'
        f"<span>{escape(words)}<small>{escape(scope)}</small></span></label>"
        for scope, words, optional in scopes
    )
    return f"""<div class="card"><p class="soft">{escape(brand)}</p><h1>{escape(app)} wants access to your account</h1>
<form method="post"><input type="hidden" name="query" value="{escape(query)}">
<fieldset><legend>Choose an account</legend>{accounts}</fieldset>
<fieldset><legend>What {escape(app)} may do</legend>{wishes}</fieldset>
<div class="acts"><button class="key" name="answer" value="allow">Continue</button><button name="answer" value="deny">Cancel</button></div></form></div>"""


def problem(brand: str, title: str, lines: Iterable[str]) -> str:
    told = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return f'<div class="card"><p class="soft">{escape(brand)}</p><h1>{escape(title)}</h1>{told}</div>'
