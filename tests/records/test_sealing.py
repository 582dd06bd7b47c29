"""Seals: what was changed, moved, or made under another key never opens; a key says nothing of its sisters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.sealing import KEY_BYTES, NONCE_BYTES, Sealer, SealError, fresh_key, subkey

TAG_BYTES = 16

keys = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)
places = st.text(max_size=60)
bodies = st.binary(max_size=300)
purposes = st.sampled_from(["engine", "log", "vault", "check", "identity", "wrap|work", "wrap|vault"])


def refuses(sealer: Sealer, place: str, sealed: bytes) -> None:
    with pytest.raises(SealError) as refused:
        sealer.unseal(place, sealed)
    assert refused.value.__cause__ is None  # the library's own error could say more than ours


@given(keys, places, bodies)
def test_a_seal_opens_at_its_own_place(key: bytes, place: str, body: bytes) -> None:
    sealer = Sealer("one", key)
    assert sealer.unseal(place, sealer.seal(place, body)) == body


@given(keys, places, bodies, st.data())
def test_a_seal_with_one_changed_bit_does_not_open(key: bytes, place: str, body: bytes, data: st.DataObject) -> None:
    sealer = Sealer("one", key)
    sealed = bytearray(sealer.seal(place, body))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    refuses(sealer, place, bytes(sealed))


@given(keys, places, bodies, st.data())
def test_a_seal_that_was_cut_short_or_made_longer_does_not_open(
    key: bytes, place: str, body: bytes, data: st.DataObject
) -> None:
    sealer = Sealer("one", key)
    sealed = sealer.seal(place, body)
    refuses(sealer, place, sealed[: data.draw(st.integers(0, len(sealed) - 1))])
    refuses(sealer, place, sealed + data.draw(st.binary(min_size=1, max_size=40)))


@given(keys, bodies, st.tuples(places, places).filter(lambda two: two[0] != two[1]))
def test_a_seal_does_not_open_at_another_place(key: bytes, body: bytes, two: tuple[str, str]) -> None:
    sealer = Sealer("one", key)
    refuses(sealer, two[1], sealer.seal(two[0], body))


@given(places, bodies, st.tuples(keys, keys).filter(lambda two: two[0] != two[1]))
def test_a_seal_does_not_open_under_another_key(place: str, body: bytes, two: tuple[bytes, bytes]) -> None:
    refuses(Sealer("one", two[1]), place, Sealer("one", two[0]).seal(place, body))


@given(keys, places, bodies)
def test_the_same_body_sealed_twice_looks_different(key: bytes, place: str, body: bytes) -> None:
    sealer = Sealer("one", key)
    assert sealer.seal(place, body)[:NONCE_BYTES] != sealer.seal(place, body)[:NONCE_BYTES]


@given(keys, places, st.binary(min_size=8, max_size=300))
def test_a_seal_shows_the_length_of_its_body_and_nothing_else(key: bytes, place: str, body: bytes) -> None:
    sealed = Sealer("one", key).seal(place, body)
    assert len(sealed) == NONCE_BYTES + len(body) + TAG_BYTES
    assert body not in sealed
    assert key not in sealed


@given(keys, st.tuples(purposes, purposes).filter(lambda two: two[0] != two[1]))
def test_each_purpose_has_a_key_of_its_own(key: bytes, two: tuple[str, str]) -> None:
    one, other = (subkey(key, purpose) for purpose in two)
    assert len({one, other, key}) == 3
    assert one == subkey(key, two[0])
    assert len(one) == KEY_BYTES


def test_fresh_keys_are_never_the_same() -> None:
    found = {fresh_key() for _ in range(200)}
    assert len(found) == 200
    assert {len(key) for key in found} == {KEY_BYTES}


def test_neither_a_sealer_nor_an_error_shows_its_key() -> None:
    sealer = Sealer("one", b"k" * KEY_BYTES)
    assert "kkk" not in repr(sealer)
    with pytest.raises(SealError) as refused:
        sealer.unseal("here", sealer.seal("there", b"Wren Planted"))
    assert "Wren" not in repr(refused.value)
    assert "kkk" not in repr(refused.value)


@given(bodies, st.tuples(keys, keys).filter(lambda two: two[0] != two[1]))
def test_a_digest_tells_the_same_content_again_to_the_holder_of_the_key_alone(
    body: bytes, two: tuple[bytes, bytes]
) -> None:
    one, other = (Sealer("one", key) for key in two)
    assert one.digest(body) == one.digest(body)
    assert one.digest(body) != other.digest(body)
    assert one.digest(body) != one.digest(body + b"!")
