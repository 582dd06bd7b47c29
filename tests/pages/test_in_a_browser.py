"""The pages in headless Chromium: axe finds nothing, they work without script, and at 400 % zoom nothing is cut off."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

import pytest

from domain.check_ins import Answer
from runtime.settings import NotRunning
from tests.support.browser import NoBrowser, Tab, browser
from tests.support.cards import duty
from tests.support.pages import DUE, PASSPHRASE, Door, Staff, open_door, open_staff

AXE = (files("axe_core_python") / "axe.min.js").read_text()
FOUND = """axe.run().then(found => [
    found.violations.flatMap(one => one.nodes.map(node => `${one.id}: ${node.html}`)),
    found.incomplete.map(one => one.id), found.passes.length])"""

ROOT = "document.documentElement"
CUT = f"""[...document.querySelectorAll('body *')].filter(one => {{
    const box = one.getBoundingClientRect(), inside = one.clientWidth;
    const sticks_out = box.left < 0 || box.right > {ROOT}.clientWidth;
    return box.width && (sticks_out || inside && one.scrollWidth > inside + 1);
}}).map(one => one.outerHTML.slice(0, 80))"""
"""What sticks out of the window, or out of its own box."""

SMALL = """[...document.querySelectorAll('button, input:not([type=hidden])')]
    .filter(one => one.getBoundingClientRect().height < 44).map(one => one.outerHTML.slice(0, 80))"""
"""What a thumb misses."""

LONG = "Verlängerungsantragsbearbeitungsbescheinigung: " * 3
NEEDS = [
    duty("duress", "The person answered under duress: act as agreed with him", DUE, fired_at=DUE),
    duty("long", LONG, DUE, fired_at=DUE).model_copy(update={"doubt": LONG, "emergency": False}),
]


@dataclass
class Site:
    """All pages, and a tab to look at them."""

    door: Door
    staff: Staff
    tab: Tab

    def shows(self, name: str) -> None:
        """Open a page as somebody sees it."""
        self.tab.tell("Network.clearBrowserCookies")
        self.door.recorded.fails = NotRunning("down") if name == "failed" else None
        match name:
            case "ask":
                self.tab.open(self.door.url + self.door.link())
            case "over":
                self.tab.open(self.door.url + self.door.link(hours=-1))
            case "received" | "failed":
                self.tab.open(self.door.url + self.door.link())
                self.press()
                self.tab.wait("Received" if name == "received" else "Not received")
            case "sign in":
                self.tab.open(self.staff.url + "/login")
            case "wrong passphrase":
                self.sign_in("three rivers")
                self.tab.wait("do not belong together")
            case _:
                self.sign_in(PASSPHRASE)
                self.tab.wait("Take in hand")

    def sign_in(self, passphrase: str) -> None:
        self.tab.open(self.staff.url + "/login")
        self.write("person", "dana")
        self.write("passphrase", passphrase)
        self.press()

    def write(self, field: str, text: str) -> None:
        """Touch a field, and type."""
        self.touch(f"[name={field}]")
        self.tab.tell("Input.insertText", text=text)

    def press(self) -> None:
        self.touch("button")

    def touch(self, what: str) -> None:
        """As a finger does: where it is seen, and nothing of it needs a script in the page."""
        x, y = self.tab.run(
            f"(found => {{ found.scrollIntoView({{block: 'center'}}); const box = found.getBoundingClientRect();"
            f" return [box.left + box.width / 2, box.top + box.height / 2] }})(document.querySelector('{what}'))"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.tab.tell("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    try:
        with (
            open_door(folder / "door") as door,
            open_staff(folder / "staff", *NEEDS) as staff,
            browser(folder / "profile") as chromium,
        ):
            yield Site(door, staff, Tab(chromium))
    except NoBrowser as error:
        pytest.fail(str(error), pytrace=False)


PAGES = ["ask", "received", "over", "failed", "sign in", "wrong passphrase", "what is due"]


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_by_day_and_by_night(site: Site, name: str) -> None:
    site.shows(name)
    for colours in ("light", "dark"):
        site.tab.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": colours}])
        site.tab.run(AXE)
        wrong, unsure, passed = site.tab.run(FOUND)
        assert wrong == [], colours
        assert unsure == [], colours
        assert passed > 10


@pytest.mark.parametrize("name", PAGES)
def test_at_400_percent_nothing_is_cut_off_or_scrolls_sideways(site: Site, name: str) -> None:
    site.tab.tell("Emulation.setDeviceMetricsOverride", width=320, height=256, deviceScaleFactor=4, mobile=False)
    site.shows(name)
    width, shown, needed = site.tab.run(f"[innerWidth, {ROOT}.clientWidth, {ROOT}.scrollWidth]")
    assert width == 320
    assert needed == shown
    assert site.tab.run(CUT) == []
    assert site.tab.run(SMALL) == []
    site.tab.tell("Emulation.clearDeviceMetricsOverride")


def test_a_check_in_and_a_button_of_staff_need_no_script(site: Site) -> None:
    site.tab.tell("Emulation.setScriptExecutionDisabled", value=True)
    site.door.recorded.answers.clear()
    site.shows("ask")
    site.write("word", "чёрный чай")
    site.press()
    site.tab.wait("Получено")
    assert site.door.answers() == [Answer.DURESS]
    site.shows("what is due")
    site.press()
    site.tab.until(lambda: bool(site.staff.taken), "a duty is taken in hand")
    assert [(duty, person) for _, duty, person in site.staff.taken] == [("duress", "dana")]
    site.tab.open(site.staff.url + "/")
    site.touch('form[action="/logout"] button')
    site.tab.wait("Sign in to see what is due")
    site.tab.tell("Emulation.setScriptExecutionDisabled", value=False)


def test_no_page_asks_for_anything_from_elsewhere(site: Site) -> None:
    for name in PAGES:
        site.shows(name)
        loaded = site.tab.run("performance.getEntriesByType('resource').map(one => one.name)")
        assert [one for one in loaded if not one.endswith("/favicon.ico")] == []
