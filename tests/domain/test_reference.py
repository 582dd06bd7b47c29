"""Case references: random, spoken over a bad line, typed at night."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import NotUnderstood
from domain.references import Phase, case_stream, make_reference, parse_reference, phase_of, phase_stream, reference_of

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MISREAD = {"0": "Oo", "1": "IiLl"}

references = st.integers(min_value=0, max_value=2**32).map(lambda seed: make_reference(_Draws(seed)))


class _Draws:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def __call__(self) -> int:
        return self.random.getrandbits(64)


@given(references)
def test_a_reference_reads_back_as_itself(reference: str) -> None:
    assert parse_reference(reference) == reference
    assert len(reference) == 11
    assert set(reference) <= set(ALPHABET)


@settings(max_examples=60, deadline=None)
@given(references)
def test_every_single_mistyped_character_is_caught(reference: str) -> None:
    for place in range(len(reference)):
        for sign in ALPHABET:
            if sign == reference[place]:
                continue
            with pytest.raises(NotUnderstood, match="mistyped"):
                parse_reference(reference[:place] + sign + reference[place + 1 :])


@settings(max_examples=150, deadline=None)
@given(references)
def test_every_swap_of_two_neighbours_is_caught(reference: str) -> None:
    for place in range(len(reference) - 1):
        one, other = reference[place], reference[place + 1]
        if one == other:
            continue
        with pytest.raises(NotUnderstood, match="mistyped"):
            parse_reference(reference[:place] + other + one + reference[place + 2 :])


@given(references, st.data())
def test_case_dashes_spaces_and_look_alikes_are_forgiven(reference: str, data: st.DataObject) -> None:
    typed = "".join(
        data.draw(st.sampled_from([sign, sign.lower(), *MISREAD.get(sign, "")])) + data.draw(st.sampled_from(["", "-"]))
        for sign in reference
    )
    assert parse_reference(f"  {typed} ") == reference


@pytest.mark.parametrize("text", ["", "0", "0000000000", "000000000000", "UUUUUUUUUUU", "../../etc/pw", "case/0000000"])
def test_what_is_no_reference_is_not_understood(text: str) -> None:
    with pytest.raises(NotUnderstood, match="eleven letters and digits"):
        parse_reference(text)


@given(st.text(max_size=14))
def test_any_other_text_is_understood_or_refused(text: str) -> None:
    try:
        read = parse_reference(text)
    except NotUnderstood:
        return
    assert parse_reference(read) == read


def test_a_number_whose_check_character_would_be_a_sign_is_drawn_again() -> None:
    numbers = iter([32, 33, 34, 35, 36, 37])
    assert make_reference(lambda: next(numbers)) == "00000000150"


@pytest.mark.parametrize("phase", list(Phase))
def test_a_stream_names_its_case_its_phase_and_its_round(phase: Phase) -> None:
    stream = phase_stream("00000000150", phase, 12)
    assert reference_of(stream) == "00000000150"
    assert phase_of(stream) == (phase, 12)
    assert phase_of(case_stream("00000000150")) is None
