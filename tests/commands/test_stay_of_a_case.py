"""What a coordinator reads of a stay: `status` with its three fields, `grounds`, `journey`, `relocate`."""

import json
from collections.abc import Iterator

import pytest

from tests.support.demo import Demo, running_demo, wait_until

STAMP = ("--known-by", "stamp,photo")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("stay-of-a-case")) as demo:
        for told in (
            ("wanted-listed", "--by", "KG"),
            ("document-held", "--document", "international-passport", "--until", "2034-05-01", "--issued-by", "RU"),
            ("status-requested", "--status", "temporary-residence"),
            ("blocker-found", "--blocker", "wanted-list", "--status", "temporary-residence"),
            (
                "stayed-before",
                "--where",
                "GE",
                "--on",
                "2025-01-01",
                "--until",
                "2025-03-01",
                "--known-by",
                "stamp,photo",
            ),
            ("expulsion-ordered", "--appeal-until", "2034-01-01"),
        ):
            typed(demo, "record", "Heron", *told)
        yield demo


def typed(demo: Demo, *arguments: str) -> str:
    code, printed = demo.type(list(arguments))
    assert code == 0, printed
    return printed


def test_status_shows_the_three_fields_side_by_side(demo: Demo) -> None:
    printed = typed(demo, "status", "Heron")
    for words in ("Lawful stay", "An overstay costs", "Protection against removal", "Actual safety"):
        assert words in printed
    for words in ("extension until", "expulsion ordered on", "looked for by KG", "in the way: wanted list"):
        assert words in printed
    fields = json.loads(typed(demo, "status", "Heron", "--json"))["fields"]
    assert set(fields) == {"country", "on", "lawful_stay", "removal_protection", "actual_safety"}
    arrived = json.loads(typed(demo, "status", "Robin", "--json"))["fields"]
    assert (arrived["country"], arrived["lawful_stay"]["ground"]["name"]) == ("FR", "certificate of the claim")


def test_an_order_to_expel_calls_for_a_lawyer_in_another_phase(demo: Demo) -> None:
    def duties() -> dict[str, dict[str, object]]:
        return {one["duty"]: one for one in json.loads(typed(demo, "duties", "Heron", "--json"))}

    wait_until(lambda: "lawyer" in duties(), 20, "safety did not hear of the order")
    assert duties()["lawyer"]["emergency"]
    assert "removal-order-appeal" in duties()
    typed(demo, "record", "Heron", "lawyer-engaged")
    assert "lawyer" not in duties()


def test_grounds_are_read_back_as_a_history(demo: Demo) -> None:
    printed = typed(demo, "grounds", "Heron")
    for words in ("asked for", "granted", "renewed", "expired", "wanted-list", "finally refused", "by the person"):
        assert words in printed
    (stay,) = json.loads(typed(demo, "grounds", "Heron", "--json"))
    assert (stay["country"], stay["claim"]["state"]) == ("KZ", "finally refused")
    assert [one["turn"] for one in stay["history"]].count("expired") == 1


def test_the_journey_is_read_back_with_how_it_is_known_and_what_does_not_fit(demo: Demo) -> None:
    printed = typed(demo, "journey", "Heron")
    assert "stamp, photo" in printed
    assert "without a record between GE" in " ".join(printed.split())
    found = json.loads(typed(demo, "journey", "Heron", "--json"))
    assert [leg["move"] for leg in found["legs"]] == ["stayed", "entered"]
    assert {one["misfit"] for one in found["findings"]} == {"gap", "statement only"}


def test_countries_stand_side_by_side_with_sources_and_marks(demo: Demo) -> None:
    printed = typed(demo, "relocate", "Heron")
    for words in ("AM Armenia", "LOOKS FOR him", "he is here", "open questions", "Sources", "not legal advice"):
        assert words in printed
    one = typed(demo, "relocate", "Heron", "--to", "ge")
    assert "refused Russia's request" in " ".join(one.split())
    assert "KZ Kazakhstan" not in one
    found = json.loads(typed(demo, "relocate", "Heron", "--json"))
    assert [country["code"] for country in found["countries"]] == sorted(one["code"] for one in found["countries"])
    assert "not legal advice" in found["says"]
    assert {one["known_from"] for one in found["person"]["documents"]} >= {"held"}


def test_a_country_without_a_rulebook_is_one_clear_line(demo: Demo) -> None:
    code, printed = demo.type(["relocate", "Heron", "--to", "XX"])
    assert code == 1
    assert printed.startswith("safeconduct: 1 of these countries have no rulebook")
