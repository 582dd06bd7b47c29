"""Check-in links in the records, on both databases: what they answer, when they are over, and what the table tells."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.agreed_words import AgreedWords
from domain.check_ins import Answer
from records.check_in_links import ANSWERS, LIVES_ON, CheckInLinks
from records.database import Database
from records.errors import Fenced
from records.forgetting import forget

HIS, ANOTHER = "00000000000", "00000000011"
WORDS = AgreedWords.agree("Зелёный чай", "Чёрный чай")
NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
LATER = NOW + timedelta(days=3)


@pytest.fixture
def database(where: Path | str) -> Iterator[Database]:
    database = Database(where)
    yield database
    database.close()


@pytest.fixture
def links(database: Database) -> CheckInLinks:
    return CheckInLinks(database, lambda: NOW)


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("зеленый чай", Answer.WELL),
        ("ЧЕРНЫЙ ЧАЙ", Answer.DURESS),
        ("чай", Answer.UNRECOGNISED),
        ("", Answer.UNRECOGNISED),
    ],
)
def test_a_link_tells_the_words_apart(links: CheckInLinks, word: str, answer: Answer) -> None:
    link = links.find(links.issue(HIS, LATER, WORDS))
    assert link is not None
    assert link.reference == HIS
    assert link.answer(word) is answer


def test_where_no_words_are_agreed_every_answer_says_that_he_is_well(links: CheckInLinks) -> None:
    link = links.find(links.issue(HIS, LATER, None))
    assert link is not None
    assert {link.answer(word) for word in ("", "чай", "0")} == {Answer.WELL}


def test_the_same_answer_is_the_same_command_and_another_link_or_answer_is_another(links: CheckInLinks) -> None:
    tokens = [links.issue(HIS, LATER, WORDS) for _ in range(2)]
    ids = set()
    for token in (*tokens, *tokens):
        link = links.find(token)
        assert link is not None
        ids |= {link.command_id(answer) for answer in Answer}
    assert len(ids) == 2 * len(Answer)


def test_a_link_is_over_at_its_hour_and_after_so_many_answers(database: Database, links: CheckInLinks) -> None:
    token = links.issue(HIS, LATER, WORDS)
    assert links.find("0" * len(token)) is None
    assert CheckInLinks(database, lambda: LATER).find(token) is None
    for _ in range(ANSWERS):
        assert links.find(token) is not None
        links.count(token)
    assert links.find(token) is None


def test_a_link_is_used_up_an_hour_after_its_first_answer(database: Database, links: CheckInLinks) -> None:
    token = links.issue(HIS, LATER, WORDS)
    late = CheckInLinks(database, lambda: NOW + LIVES_ON)

    def is_used_up(seen: CheckInLinks) -> bool:
        link = seen.find(token)
        assert link is not None
        return link.is_used_up

    assert not is_used_up(late)
    links.count(token)
    assert not is_used_up(links)
    assert is_used_up(late)
    late.count(token)
    assert not is_used_up(links)


def test_what_has_expired_is_deleted_with_the_next_link(database: Database, links: CheckInLinks) -> None:
    links.issue(HIS, LATER, WORDS)
    CheckInLinks(database, lambda: LATER).issue(ANOTHER, LATER + timedelta(days=1), WORDS)
    with database.reading() as connection:
        assert connection.exec_driver_sql("SELECT reference FROM check_in_link").all() == [(ANOTHER,)]


def test_the_table_holds_neither_token_nor_word_and_no_two_rows_are_alike(
    database: Database, links: CheckInLinks
) -> None:
    tokens = [links.issue(HIS, LATER, WORDS) for _ in range(3)]
    with database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT digest, well, duress FROM check_in_link").all()
    values = [bytes(one) if not isinstance(one, str) else one.encode() for row in rows for one in row]
    assert len(set(values)) == 9
    assert not any(token.encode() in value for token in tokens for value in values)


def test_an_erased_case_has_no_links_and_gets_none(database: Database, links: CheckInLinks) -> None:
    gone, stays = links.issue(HIS, LATER, WORDS), links.issue(ANOTHER, LATER, WORDS)
    assert forget(database, HIS)["check_in_link"] == 1
    assert links.find(gone) is None
    assert links.find(stays) is not None
    with database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO fence (reference, fenced_at) VALUES ('00000000000', '2026-11-30')")
    with pytest.raises(Fenced):
        links.issue(HIS, LATER, WORDS)


def test_all_links_of_a_case_can_be_ended(links: CheckInLinks) -> None:
    token, other = links.issue(HIS, LATER, WORDS), links.issue(ANOTHER, LATER, WORDS)
    assert links.end(HIS) == 1
    assert links.find(token) is None
    assert links.find(other) is not None
