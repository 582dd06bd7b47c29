"""A certificate of erasure: what is believed of one that somebody has handled."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from records.certificates import certify, is_signed_by

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
CONTENT = {"reference": "00000000000", "reason": "person-asked", "kept": ["Ж", 1], "steps": {"fenced": "2026-09-01"}}
SIGNED = certify(CONTENT, KEY)
WHOLE = json.loads(SIGNED)


def believed(text: str) -> bool:
    return is_signed_by(text, KEY.public_key())


def changed(**fields: Any) -> str:
    return json.dumps({**WHOLE, **fields})


def test_a_certificate_is_believed_however_its_lines_are_broken() -> None:
    assert believed(SIGNED)
    assert believed(json.dumps(WHOLE))
    assert believed(SIGNED.replace("\n", "\r\n"))
    assert not is_signed_by(SIGNED, OTHER.public_key())
    assert not believed(certify(CONTENT, OTHER))


FORGED = json.dumps({"reference": "00000000011"})


@pytest.mark.parametrize(
    "text",
    [
        SIGNED.replace("{", f'{{"certificate": {FORGED},', 1),
        SIGNED.replace('"reason":', '"reason": "another", "reason":', 1),
        SIGNED.replace('"fenced":', '"fenced": "2020-01-01", "fenced":', 1),
        changed(note="and his brother too"),
        changed(public_key="00" * 32),
        changed(public_key=OTHER.public_key().public_bytes_raw().hex()),
        changed(public_key=WHOLE["public_key"].upper()),
        changed(signature=f" {WHOLE['signature']}"),
        changed(signature=WHOLE["signature"].upper()),
        changed(signature=None),
        changed(certificate={**CONTENT, "kept": ["Ж", 1.0]}),
        changed(certificate=[]),
        json.dumps({name: value for name, value in WHOLE.items() if name != "public_key"}),
        json.dumps([WHOLE]),
        f"{SIGNED} {SIGNED}",
        "[" * 200_000,
        '{"certificate":' * 200_000,
        "",
    ],
    ids=lambda text: text[:30],
)
def test_one_that_somebody_has_changed_or_added_to_is_not(text: str) -> None:
    assert not believed(text)


@given(st.integers(0, len(SIGNED) - 1), st.characters(codec="utf-8"))
def test_no_character_of_it_can_be_another_unless_it_says_the_same(at: int, other: str) -> None:
    text = SIGNED[:at] + other + SIGNED[at + 1 :]
    if believed(text):
        assert json.loads(text) == WHOLE
