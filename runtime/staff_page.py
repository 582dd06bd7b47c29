"""What staff see on a phone after signing in: what needs a human now, with a button for each. By reference, no name."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from domain.erasing import ERASURE
from records.board import Need
from runtime.page import page
from runtime.screen import day, distance, phase_of_stream, why


def staff_page(person: str, needs: Sequence[Need], in_all: int, now: datetime, trouble: str = "") -> str:
    """The page.

    Args:
        person: who has signed in.
        needs: those that are shown, emergencies first.
        in_all: how many there are.
        trouble: why the last button did nothing.
    """
    alert = f'<p role="alert">{escape(trouble)}</p>' if trouble else ""
    shown = "\n".join(_item(need, now) for need in needs)
    listed = f"<ul>\n{shown}\n</ul>" if needs else "<p>Nothing needs a human now.</p>"
    rest = f"<p>{in_all - len(needs)} more: the command line shows them.</p>" if in_all > len(needs) else ""
    return page(
        "Safeconduct: what needs a human now",
        f"""<h1>What needs a human now</h1>
<p>{escape(person)}, {now:%Y-%m-%d %H:%M} UTC</p>
{alert}
{listed}
{rest}
<form method="post" action="/logout"><button class="plain">Sign out</button></form>""",
    )


def _item(need: Need, now: datetime) -> str:
    duty = need.duty
    loud = "<strong>Emergency.</strong> " if duty.emergency else ""
    return f"""<li>
<h2>{loud}{escape(why(duty))}</h2>
<p>{duty.reference}, {escape(phase_of_stream(duty.stream))}<br>
{day(duty.due)}, {distance(duty.due, now)}<br>
{escape(need.coordinator or "nobody")} is responsible</p>
{_button(need)}
</li>"""


def _button(need: Need) -> str:
    duty = need.duty
    if duty.phase == ERASURE:  # two persons decide, each with the passphrase that opens the installation
        return "<p>Decided at the command line: <code>safeconduct erase</code></p>"
    return f"""<form method="post" action="/take">
<input type="hidden" name="stream" value="{escape(duty.stream)}">
<input type="hidden" name="duty" value="{escape(duty.duty)}">
<button aria-label="Take in hand: {escape(duty.title)}">Take in hand</button>
</form>"""
