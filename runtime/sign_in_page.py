"""What the decoder shows of its own: the page that asks who is there, and the button that ends it. No script."""

import base64
import hashlib
from html import escape

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --paper: #f3f5f7; --card: #fff; --line: #c3ccd6; --accent: #1f5f8b; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6ebf0; --paper: #12171d; --card: #1b222b; --line: #3a4654; --accent: #79b8e0; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main { width: min(24rem, calc(100vw - 2rem)); padding: 2rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .75rem; }
h1 { margin: 0 0 .25rem; font-size: 1.375rem; }
p { margin: 0 0 1.25rem; }
label { display: block; margin-bottom: 1rem; font-weight: 600; }
input { display: block; width: 100%; margin-top: .25rem; padding: .6rem .7rem; font: inherit; color: inherit;
  background: transparent; border: 1px solid var(--line); border-radius: .4rem; }
button { width: 100%; padding: .65rem; font: inherit; font-weight: 600; color: var(--card); background: var(--accent);
  border: 0; border-radius: .4rem; cursor: pointer; }
input:focus-visible, button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
[role=alert] { padding: .6rem .8rem; border-left: 4px solid #c0392b;
  background: color-mix(in srgb, #c0392b 12%, transparent); }
small { display: block; margin-top: 1.25rem; }
"""

_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

PAGE_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The page may show its own style and send its form, and nothing else."""


def sign_in_page(back: str, person: str = "", trouble: str = "") -> str:
    """The page that asks for name and passphrase; ``back`` is where to go on, ``trouble`` what went wrong."""
    alert = f'<p role="alert">{escape(trouble)}</p>' if trouble else ""
    at_name, at_passphrase = ("", " autofocus") if person else (" autofocus", "")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Safeconduct: sign in</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Safeconduct</h1>
<p>Sign in to read sealed cases in Temporal's UI.</p>
{alert}
<form method="post" action="/login">
<input type="hidden" name="back" value="{escape(back)}">
<label>Name<input name="person" value="{escape(person)}" required autocomplete="off"{at_name}></label>
<label>Passphrase<input name="passphrase" type="password" required autocomplete="off"{at_passphrase}></label>
<button>Sign in</button>
</form>
<small>Every case that you open here is recorded as read by you.</small>
</main>
</body>
</html>
"""


def with_sign_out(page: bytes, person: str) -> bytes:
    """A page of Temporal's UI with a button that signs out. A page without an end stays as it is."""
    button = f"""<form method="post" action="/logout" style="position:fixed;right:1rem;bottom:1rem;z-index:99">
<button style="padding:.4rem .9rem;border-radius:.4rem;border:1px solid #888;background:#1d2733;color:#fff;
font:14px system-ui,sans-serif;cursor:pointer">{escape(person)} · Sign out</button></form>"""
    return page.replace(b"</body>", button.encode() + b"</body>", 1)
