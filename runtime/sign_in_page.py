"""The page that asks who is there, and the button on a page of Temporal's UI that ends it."""

from dataclasses import dataclass
from html import escape

from runtime.page import page


@dataclass(frozen=True)
class Doorplate:
    """What the page says of what is behind it.

    Attributes:
        why: what one signs in for.
        beware: what is written down about whoever goes in.
    """

    why: str
    beware: str


def sign_in_page(plate: Doorplate, back: str, person: str = "", trouble: str = "") -> str:
    """The page that asks for name and passphrase; ``back`` is where to go on, ``trouble`` what went wrong."""
    alert = f'<p role="alert">{escape(trouble)}</p>' if trouble else ""
    at_name, at_passphrase = ("", " autofocus") if person else (" autofocus", "")
    return page(
        "Safeconduct: sign in",
        f"""<h1>Safeconduct</h1>
<p>{plate.why}</p>
{alert}
<form method="post" action="/login">
<input type="hidden" name="back" value="{escape(back)}">
<label for="person">Name</label>
<input id="person" name="person" value="{escape(person)}" required autocomplete="off"{at_name}>
<label for="passphrase">Passphrase</label>
<input id="passphrase" name="passphrase" type="password" required autocomplete="off"{at_passphrase}>
<button>Sign in</button>
</form>
<small>{plate.beware}</small>""",
    )


def with_sign_out(content: bytes, person: str) -> bytes:
    """A page of Temporal's UI with a button that signs out. A page without an end stays as it is."""
    button = f"""<form method="post" action="/logout" style="position:fixed;right:1rem;bottom:1rem;z-index:99">
<button style="padding:.4rem .9rem;border-radius:.4rem;border:1px solid #888;background:#1d2733;color:#fff;
font:14px system-ui,sans-serif;cursor:pointer">{escape(person)} · Sign out</button></form>"""
    return content.replace(b"</body>", button.encode() + b"</body>", 1)
