"""What a seizure surrenders: what is taken is copied, and whoever took it reads what can be read.

Each test is a line of the table in docs/privacy.md. It looks for what is kept from them, and for what is not.
"""

import base64
import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyrage
import pytest

from activities.notifications.channel import SENTENCES
from domain.errors import Refused
from domain.intake import Identity
from domain.references import case_stream
from records.database import Database
from records.errors import Locked, StoreError
from records.keyring import Role, WrongMaster
from records.keys import Keys, Purpose
from records.persons import lock, master_by_passphrase, master_by_recovery, unlock_by_person, unlock_by_recovery
from records.sealing import fresh_key
from records.store import Store
from records.vault import Vault
from runtime.keys import MASTER_KEY, NoKeys, begin, keys_of, master_key, open_keys, ring_of
from runtime.settings import Settings
from tests.support.demo import wait_until
from tests.support.intakes import MINIMAL
from tests.support.servers import ROOT
from tests.support.terminal import CTRL_C, Typist, typist
from tests.support.watched import SECRET, Outside, outside

PASSPHRASE = "семь тихих рек"
PERSON = Identity(nickname="Горлица", name="Иван Planted", phone="+7 700 555 01 02", documents="passport N1234567")
NOTE = "Heard from his sister Марфа that Planted is well"
PLANTED = ["Горлица", "Иван", "Planted", "700 555", "N1234567", "Марфа", "sister"]

INTAKE = (
    MINIMAL.replace("Wren", PERSON.nickname)
    + f"""
[identity]
name = "{PERSON.name}"
phone = "{PERSON.phone}"
documents = "{PERSON.documents}"
"""
)


@dataclass(frozen=True)
class Seized:
    """An installation on real data, as it lay on the disk when it had been stopped.

    Attributes:
        off: the copy of its folder.
        asleep: who the person is, as a program of the same account read it while the installation ran.
        agent: where the agent had listened.
        calls: what the notices' channel was sent.
    """

    off: Path
    reference: str
    master: bytes
    recovery: pyrage.x25519.Identity
    asleep: Identity | None
    agent: Path
    calls: list[tuple[dict[str, str], bytes]]

    def taken(self, folder: Path, *names: str) -> Settings:
        """What somebody has who took these files and nothing else."""
        for name in names:
            for file in self.off.glob(f"{name}*"):
                shutil.copy(file, folder / file.name)
        return Settings(home=folder)


@pytest.fixture(scope="module")
def seized(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seized]:
    folder, master, recovery = tmp_path_factory.mktemp("seized"), fresh_key(), pyrage.x25519.Identity.generate()
    settings = Settings(home=folder / "home")
    begin(settings, master, str(recovery.to_public()), {"dana": PASSPHRASE})
    (folder / "intake.toml").write_text(INTAKE)
    with typist(folder) as typing, outside() as channel:
        here = typing.at(settings.folder)
        given = {
            MASTER_KEY: master.hex(),
            "SAFECONDUCT_WEBHOOK_URL": f"{channel.url}/hook",
            "SAFECONDUCT_WEBHOOK_SECRET": SECRET,
        }
        with here.typing("up", "--free-ports", environment=given) as terminal:
            terminal.reads("Ctrl-C stops everything.")
            reference = a_case_is_lived(here, folder / "intake.toml", channel)
            agent = settings.running().agent
            assert agent is not None
            asleep = vault_of(settings, *open_keys(settings, Role.WORK, Role.VAULT, may_ask=False)).identity(reference)
            terminal.types(CTRL_C, end="")
            terminal.reads_to_the_end()
            assert here.code_of(terminal) == 0
        shutil.copytree(settings.folder, folder / "off")
        yield Seized(folder / "off", reference, master, recovery, asleep, agent, channel.notices)


def a_case_is_lived(here: Typist, intake: Path, channel: Outside) -> str:
    """A person is taken in, entered, and was detained: whoever is on call is told."""
    for command in (
        ("start", str(intake)),
        ("record", PERSON.nickname, "entered", "--on", "2026-09-03", "--note", NOTE),
        ("record", PERSON.nickname, "detained", "--by", "police", "--on", "2026-11-20"),
    ):
        code, printed = here.types(*command)
        assert code == 0, printed
    wait_until(lambda: len(channel.notices) > 0, 20, "the channel was told")
    return str(json.loads(here.types("cases", "--json")[1])[0]["reference"])


def vault_of(settings: Settings, *keys: Keys) -> Vault:
    return Vault(Database(settings.records_path), keys[1], "whoever took it")


def spellings(text: str) -> Iterator[bytes]:
    """The forms in which a text could stand in a file."""
    yield text.encode()
    yield text.encode("utf-16-le")
    yield json.dumps(text)[1:-1].encode()
    for shift in range(3):
        bare = b"\0" * shift + text.encode()
        yield base64.b64encode(bare)[-(-8 * shift // 6) : 8 * len(bare) // 6]  # without what its neighbours decide


def found_in(folder: Path) -> list[str]:
    """What was planted and can be read in these files."""
    contents = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    assert contents
    return [text for text in PLANTED if any(form in content for form in spellings(text) for content in contents)]


def asked(file: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(question).fetchall()


def everything_opens(settings: Settings, master: bytes, reference: str) -> None:
    keys = keys_of(settings, master)
    assert vault_of(settings, *keys).identity(reference) == PERSON
    assert list(vault_of(settings, *keys).notes(reference).values()) == [NOTE]
    kinds = {event.fact.kind for event in Store(Database(settings.records_path), keys[0]).read_case(reference)}
    assert "detained" in kinds


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "intake.toml").write_text(INTAKE + NOTE)
    assert found_in(tmp_path) == PLANTED
    for form in (json.dumps([INTAKE, NOTE]).encode(), base64.b64encode((INTAKE + NOTE).encode())):
        (tmp_path / "intake.toml").write_bytes(form)
        assert found_in(tmp_path) == PLANTED


def test_a_laptop_asleep_while_it_runs_surrenders_everything_to_who_opens_its_session(seized: Seized) -> None:
    assert seized.asleep == PERSON


def test_a_laptop_switched_off_surrenders_references_and_duties_and_what_a_guessed_passphrase_opens(
    seized: Seized, tmp_path: Path
) -> None:
    assert not seized.agent.exists()
    assert not seized.agent.parent.exists()
    assert found_in(seized.off) == []
    settings = seized.taken(tmp_path, "")
    assert {"records.db", "keyring.db", "temporal.db", "recovery.age"} <= {one.name for one in tmp_path.iterdir()}
    assert not settings.master_path.exists()
    with pytest.raises(NoKeys):
        master_key(settings, may_ask=False)
    ring = ring_of(settings)
    with pytest.raises(Refused):
        master_by_passphrase(ring, "dana", "six other words of somebody")
    everything_opens(settings, master_by_passphrase(ring, "dana", PASSPHRASE), seized.reference)


def test_the_record_file_alone_surrenders_the_boards_and_no_person(seized: Seized, tmp_path: Path) -> None:
    settings = seized.taken(tmp_path, "records.db")
    assert found_in(tmp_path) == []
    file = settings.records_path
    assert asked(file, "SELECT reference, stage, country, coordinator, is_open FROM case_card") == [
        (seized.reference, "custody", "KZ", "dana", 1)
    ]
    # a title tells what has happened
    titles = [str(title) for (title,) in asked(file, "SELECT title FROM duty_card")]
    assert [title for title in titles if title.startswith("Get a lawyer")]
    assert ("dana", "search") in asked(file, "SELECT staff, what FROM reading")
    assert asked(file, "SELECT count(*) FROM note WHERE reference = (SELECT reference FROM case_card)") == [(1,)]
    # which cases share a digest, and not of what it is
    assert asked(file, "SELECT DISTINCT reference, length(digest) FROM blind_index") == [(seized.reference, 64)]
    assert asked(file, "SELECT count(*) FROM duplicate_hit") == [(0,)]
    bodies = b"".join(bytes(body) for (body,) in asked(file, "SELECT body FROM event") if isinstance(body, bytes))
    assert bodies
    for sealed in (b"detained", b"police", b"dana", b"consent", b"2026-11-20"):
        assert sealed not in bodies
    with pytest.raises(NoKeys):
        open_keys(settings, Role.VAULT, may_ask=False)
    with pytest.raises(Refused, match=r"keyring\.db is missing"):
        begin(settings, fresh_key(), None)


def test_the_keyring_file_alone_surrenders_who_is_enrolled_and_how_many_cases_there_are(
    seized: Seized, tmp_path: Path
) -> None:
    settings = seized.taken(tmp_path, "keyring.db")
    assert found_in(tmp_path) == []
    assert asked(settings.keyring_path, "SELECT name FROM person") == [("dana",)]
    scopes = {str(scope) for (scope,) in asked(settings.keyring_path, "SELECT scope FROM data_key")}
    assert scopes == {f"case/{seized.reference}", "installation/own", "retention/daily"}
    content = settings.keyring_path.read_bytes()
    assert seized.master not in content
    ring = ring_of(settings)
    with pytest.raises(WrongMaster):
        ring.must_fit(fresh_key())
    with pytest.raises(Refused):
        master_by_recovery(ring, pyrage.x25519.Identity.generate())
    # a passphrase can be tried here as well, and says when it is the right one
    assert master_by_passphrase(ring, "dana", PASSPHRASE) == seized.master


def test_both_files_surrender_everything_to_who_has_one_of_three_secrets_and_nothing_more_to_others(
    seized: Seized, tmp_path: Path
) -> None:
    settings = seized.taken(tmp_path, "records.db", "keyring.db")
    assert found_in(tmp_path) == []
    with pytest.raises(NoKeys):
        open_keys(settings, Role.VAULT, may_ask=False)
    with pytest.raises((Refused, StoreError)):
        everything_opens(settings, master_key(settings, fresh_key()), seized.reference)
    ring = ring_of(settings)
    for master in (
        seized.master,
        master_by_passphrase(ring, "dana", PASSPHRASE),
        master_by_recovery(ring, seized.recovery),
    ):
        everything_opens(settings, master, seized.reference)


def test_a_lock_keeps_names_and_notes_from_one_passphrase_and_both_files(seized: Seized, tmp_path: Path) -> None:
    settings, scope = seized.taken(tmp_path, "records.db", "keyring.db"), case_stream(seized.reference)
    work, vault = keys_of(settings, seized.master)
    lock(vault, scope, "dana")
    ring = ring_of(settings)
    work, vault = keys_of(settings, master_by_passphrase(ring, "dana", PASSPHRASE))
    with pytest.raises(Locked):
        vault.opener(scope, Purpose.VAULT)  # what a program asks that looks at no lock
    with pytest.raises(Refused):
        unlock_by_person(vault, scope, "dana", PASSPHRASE)
    # its log is not shut to such a program: duties need the key
    assert Store(Database(settings.records_path), work).read_case(seized.reference)
    unlock_by_recovery(vault, scope, seized.recovery)
    everything_opens(settings, seized.master, seized.reference)


def test_temporals_file_surrenders_references_phases_and_when_something_happened(
    seized: Seized, tmp_path: Path
) -> None:
    settings = seized.taken(tmp_path, "temporal")
    assert found_in(tmp_path) == []
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for in_clear in (f"case/{seized.reference}/safety/1", f"case/{seized.reference}/transit-stay/1", "command"):
        assert in_clear.encode() in content
    for sealed in (b"police", b'"dana"', b"embassy:entry", b"Get a lawyer"):
        assert sealed not in content
    assert asked(settings.engine_path, "SELECT count(*) > 0 FROM history_node") == [(1,)]


def test_a_notices_channel_surrenders_that_something_is_due_and_when(seized: Seized, tmp_path: Path) -> None:
    for number, (headers, body) in enumerate(seized.calls):
        (tmp_path / f"{number}.txt").write_bytes(repr(headers).encode() + body)
        assert json.loads(body).keys() == {"type", "data"}
    assert found_in(tmp_path) == []
    told = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for kept in (seized.reference, "dana", "lawyer", "safety", "custody"):
        assert kept.encode() not in told
    # with the record file, an id says which case it was
    known = {
        row[0] for row in asked(seized.off / "records.db", "SELECT notice_id FROM notice WHERE stream LIKE 'case/%'")
    }
    assert {headers["webhook-id"] for headers, _ in seized.calls} <= known


def test_a_coordinators_phone_surrenders_constant_sentences(seized: Seized) -> None:
    texts = [json.loads(body)["data"]["text"] for _, body in seized.calls]
    assert texts
    assert set(texts) <= set(SENTENCES.values())
    assert not [text for text in texts if "http" in text or seized.reference in text]


def test_each_line_of_the_table_names_its_test_and_each_test_has_its_line() -> None:
    page = (ROOT / "docs" / "privacy.md").read_text()
    here = set(re.findall(r"^def (test_\w+_surrenders?_\w+)\(", Path(__file__).read_text(), re.MULTILINE))
    assert len(here) == 8
    named = set(re.findall(r"`(test_\w+)`", page))
    assert named >= here
    assert named <= globals().keys()
