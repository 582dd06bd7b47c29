"""Made, erased, locked, opened and changed in whatever order: the living keep their keys, and the erased have none."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import pyrage
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from records.errors import Erased, Locked
from records.keyring import Keyring, Role
from records.keys import Keys, Purpose
from records.persons import lock, recovery_settings, rotate, unlock_by_recovery
from records.sealing import fresh_key
from tests.support.keys import generations_in
from tests.support.rings import STEPS, Breaking, BrokenOff, Found, Home, age_files_by

SCOPES = [f"case/{number:011}" for number in range(4)]
scopes, roles = st.sampled_from(SCOPES), st.sampled_from(list(Role))


class AnyOrder(RuleBasedStateMachine):
    """A keyring beside a plain dictionary of what it must hold."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Home(Path(tempfile.mkdtemp()), fresh_key())
        self.recovery = pyrage.x25519.Identity.generate()
        self.living: Found = {}
        self.locked: dict[str, bytes] = {}
        self.erased: set[str] = set()
        self.copies: list[Path] = []
        self.shut: list[Path] = []
        self.ring = Keyring(self.home.path, generations_in(self.home.folder))
        recipient = str(self.recovery.to_public())
        self.ring.found(self.home.master, recovery_settings(self.home.master, recipient), [])

    def teardown(self) -> None:
        assert self.home.opened() == self.living
        for copy in self.shut:
            self._opens_nothing(copy)
        self.ring.close()
        shutil.rmtree(self.home.folder)

    def keys(self, role: Role) -> Keys:
        """With an empty memory; that of the generations lives through everything."""
        return self.home.keys(self.ring, role)

    def _opens_nothing(self, copy: Path) -> None:
        assert self.home.opened(copy) == {}
        assert self.home.age_files(copy) == {}

    @rule(scope=scopes, role=roles)
    def make(self, scope: str, role: Role) -> None:
        keys = self.keys(role)
        if role is Role.VAULT and scope in self.locked:
            with pytest.raises(Locked):
                keys.sealer(scope, Purpose.LOG)
        elif scope in self.erased:
            with pytest.raises(Erased):
                keys.sealer(scope, Purpose.LOG)
        else:
            key = keys.data_key(scope)[1]
            assert self.living.setdefault((scope, role), key) == key

    @rule(scope=scopes, is_elsewhere=st.booleans())
    def destroy(self, scope: str, is_elsewhere: bool) -> None:
        if is_elsewhere:
            with self.home.ring() as ring:
                ring.destroy(scope)
        else:
            self.ring.destroy(scope)
        if scope not in self.erased:
            for copy in self.copies:
                self._opens_nothing(copy)
            self.shut += self.copies
            self.copies = []
        self._is_erased(scope)

    @rule(scope=scopes, step=st.sampled_from(STEPS))
    def break_off(self, scope: str, step: str) -> None:
        with suppress(BrokenOff), self.home.ring(Breaking(self.home.records, step)) as ring:
            ring.destroy(scope)
            assert scope in self.erased
        if STEPS.index(step) > STEPS.index("while the keys are put under it"):
            self._is_erased(scope)

    def _is_erased(self, scope: str) -> None:
        self.erased.add(scope)
        self.locked.pop(scope, None)
        self.living = {place: key for place, key in self.living.items() if place[0] != scope}

    @rule()
    def rotate(self) -> None:
        new = fresh_key()
        rotate(self.ring, self.home.master, new)
        self.home.master = new

    @rule(scope=scopes)
    def lock(self, scope: str) -> None:
        if scope in self.locked:
            return
        vault = self.keys(Role.VAULT)
        if scope in self.erased:
            with pytest.raises(Erased):
                lock(vault, scope, "dana")
            return
        key = vault.data_key(scope)[1]
        lock(vault, scope, "dana")
        assert self.living.pop((scope, Role.VAULT), key) == key
        self.locked[scope] = key

    @precondition(lambda self: self.locked)
    @rule(data=st.data())
    def unlock(self, data: st.DataObject) -> None:
        scope = data.draw(st.sampled_from(sorted(self.locked)))
        unlock_by_recovery(self.keys(Role.VAULT), scope, self.recovery)
        self.living[scope, Role.VAULT] = self.locked.pop(scope)

    @rule()
    def keep_a_copy(self) -> None:
        self.copies.append(self.home.copy())

    @invariant()
    def the_living_have_their_keys_and_the_erased_none(self) -> None:
        assert self.home.opened_by(self.ring) == self.living
        found = age_files_by(self.ring)
        assert {scope: pyrage.decrypt(age, [self.recovery]) for scope, age in found.items()} == self.locked
        assert not self.ring.scopes() & self.erased


AnyOrder.TestCase.settings = settings(
    max_examples=10, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
test_in_any_order_the_living_keep_their_keys_and_the_erased_none = AnyOrder.TestCase
