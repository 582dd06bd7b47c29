"""S10: a case that is erased is gone from records, keyring and engine; what is left opens with nothing."""

from pathlib import Path

import pytest

from domain.case import Phase, case_stream, phase_stream
from records.certificates import is_signed_by
from records.errors import Fenced, Unreadable
from records.signing import signing_key
from tests.support.erasures import (
    BEGAN,
    PLANTED,
    a_lived_case,
    approved,
    erased,
    everything_in,
    sealed_bytes,
    still_there,
    swept,
)
from tests.support.rehearsal import rehearsal, skipping_server
from tests.support.searching import files_below, leaks


async def test_s10_a_case_is_erased_from_records_keyring_and_engine(tmp_path: Path, reference: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    async with (
        skipping_server(file=home / "temporal.db") as environment,
        rehearsal(environment, home, BEGAN, reference) as played,
    ):
        await a_lived_case(played, home)
        sealed = await sealed_bytes(played)
        assert len(sealed) > 50
        assert still_there(sealed, everything_in(home, tmp_path / "copies")) == len(sealed)
        await approved(played)
        erasure = await erased(played)
        runs = [one.id async for one in environment.client.list_workflows(f'WorkflowId STARTS_WITH "case/{reference}"')]
        assert runs == []

        with pytest.raises((Unreadable, Fenced)):
            played.store.read_case(reference)
        with pytest.raises(Fenced):
            played.store.open(phase_stream(reference, Phase.SAFETY, 1))
        assert played.keys.keyring.wrapped([case_stream(reference)], played.keys.role) == []
        assert erasure.certificate is not None
        assert is_signed_by(erasure.certificate, signing_key(played.keys).public_key())
        assert played.board.open_streams() == []
        await swept(environment)
    left = list(files_below(home))
    assert still_there(sealed, left) == 0
    assert leaks(PLANTED, left) == []
