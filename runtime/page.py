"""What every page of our own looks like: one style, no script, nothing from elsewhere; readable on any phone."""

import base64
import hashlib

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --paper: #f3f5f7; --card: #fff; --line: #66717d; --accent: #1f5f8b; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6ebf0; --paper: #12171d; --card: #1b222b; --line: #8b98a6; --accent: #79b8e0; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
main { width: calc(100% - 2rem); max-width: 26rem; margin: 1rem 0; padding: 1.5rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .75rem; }
h1 { margin: 0 0 .25rem; font-size: 1.375rem; line-height: 1.25; }
h2 { margin: 0 0 .25rem; font-size: 1rem; line-height: 1.25; }
p { margin: 0 0 1rem; }
label { display: block; margin-bottom: .25rem; font-weight: 600; }
input { display: block; width: 100%; min-height: 3rem; margin: 0 0 1rem; padding: .6rem .7rem; font: inherit;
  color: inherit; background: transparent; border: 1px solid var(--line); border-radius: .4rem; }
button { width: 100%; min-height: 3rem; padding: .65rem; font: inherit; font-weight: 600; color: var(--card);
  background: var(--accent); border: 0; border-radius: .4rem; cursor: pointer; }
input:focus-visible, button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
button.large { min-height: 5rem; font-size: 1.25rem; }
button.plain { color: inherit; background: transparent; border: 1px solid var(--line); }
[role=alert] { padding: .6rem .8rem; border-left: 4px solid #c0392b; background: rgba(192, 57, 43, .12); }
small { display: block; margin-top: 1.25rem; font-size: .875rem; }
ul { margin: 0 0 1.25rem; padding: 0; list-style: none; }
li { margin: 0 0 1rem; padding: 0 0 1rem; border-bottom: 1px solid var(--line); }
li p { margin: 0 0 .75rem; }
strong { color: #b03020; }
@media (prefers-color-scheme: dark) { strong { color: #ff9b8a; } }
"""

_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

PAGE_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The page may show its own style and send its form, and nothing else."""


def page(title: str, main: str) -> str:
    """A page, from its title and what it shows."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
{main}
</main>
</body>
</html>
"""
