"""The words that are agreed with a person, as they are typed on any phone."""

import pytest

from domain.agreed_words import LONGEST, AgreedWords, normalised
from domain.errors import NotUnderstood


@pytest.mark.parametrize(
    ("agreed", "typed"),
    [
        ("Зелёный чай", "  зеленый ЧАЙ. "),
        ("берёза", "БЕРЕЗА"),
        ("été", "ete"),
        ("Straße", "STRASSE"),
        ("йод", "и\u0306од"),
        ("11", "1 1"),
        ("Ｔｅａ", "tea"),
        ("don't", "Don’t"),
    ],
)
def test_case_spaces_accents_and_punctuation_do_not_count(agreed: str, typed: str) -> None:
    assert normalised(agreed) == normalised(typed) != ""


def test_other_words_are_other_words() -> None:
    assert normalised("чай") != normalised("чаи да")
    assert normalised("11") != normalised("12")


@pytest.mark.parametrize(
    ("well", "duress", "why"),
    [
        ("", "sun", "needs a letter"),
        ("sun", " ! ", "needs a letter"),
        ("Sun", "sun.", "can't be told apart"),
        ("ёж", "еж", "can't be told apart"),
        ("s" * (LONGEST + 1), "sun", f"{LONGEST} letters"),
    ],
)
def test_words_that_can_not_serve_are_refused_and_not_repeated(well: str, duress: str, why: str) -> None:
    with pytest.raises(NotUnderstood, match=why) as refusal:
        AgreedWords.agree(well, duress)
    assert "sun" not in refusal.value.sentence


def test_the_words_never_slip_out() -> None:
    words = AgreedWords.agree("зелёный чай", "чёрный чай")
    assert (words.well, words.duress) == ("зелёный чай", "чёрный чай")
    assert "чай" not in f"{words} {words!r}"
