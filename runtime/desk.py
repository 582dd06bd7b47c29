"""What every command of the command line starts with: settings, records, and a way to the engine."""

import asyncio
import json
import re
import secrets
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID, uuid4

from domain.case import PathClosed
from domain.erasing import empty_erasure, erasure_stream
from domain.erasure import Erasure
from domain.errors import Erased, NotFound, NotUnderstood, Refused, SafeconductError
from domain.events import Command, Event, Past, Receipt
from domain.facts import Fact, Occurred
from domain.intake import IntakeFile, read_intake
from domain.references import case_stream, make_reference, parse_reference
from domain.rulebook import Rulebook, load
from domain.rulebook.editions import Law
from domain.story import Story
from domain.watching import is_country
from records.board import Board
from records.database import Database
from records.editions import law_of
from records.forgetting import is_noted
from records.keyring import Role
from records.keys import Keys
from records.readings import log_readings
from records.store import Store
from records.vault import Vault
from runtime import telemetry
from runtime.cases import story_of_file
from runtime.keys import is_begun, open_keys, who
from runtime.settings import Settings, now

if TYPE_CHECKING:
    from runtime.office import Office

Answer = TypeVar("Answer")

NEVER_BEGAN = (
    "this case has been noted but has not begun: start or import its file again, or have it erased "
    "(`safeconduct erase CASE --reason recorded-in-error`)"
)
"""Whoever starts a case notes the person first. If that breaks off, they are in the vault all the same."""

LOCKED_NAME = "(locked)"
"""In place of the nickname of a locked case."""


@dataclass(frozen=True)
class Desk:
    """One command's view of the installation.

    Attributes:
        settings: the settings.
        staff: who types.
        held: the keys, where this process holds them already.
    """

    settings: Settings
    staff: str
    held: tuple[Keys, ...] | None = None

    @cached_property
    def database(self) -> Database:
        """The records.

        Raises:
            Refused: there is a keyring, and no records: none are begun beside it.
            StoreError: they do not answer.
        """
        where = self.settings.records
        if isinstance(where, Path) and not (where.exists() and where.stat().st_size) and is_begun(self.settings):
            raise Refused(f"{where} is missing or empty: put it back, with the keyring that belongs to it")
        return Database(where)

    @cached_property
    def keys(self) -> tuple[Keys, ...]:
        """For engine and log, and for the vault.

        Raises:
            NoKeys: nothing opens the keyring.
        """
        return self.held or open_keys(self.settings, Role.WORK, Role.VAULT)

    @cached_property
    def store(self) -> Store:
        return Store(self.database, self.keys[0])

    @cached_property
    def board(self) -> Board:
        return Board(self.database)

    @cached_property
    def vault(self) -> Vault:
        return Vault(self.database, self.keys[1], self.staff, now)

    @cached_property
    def files(self) -> Rulebook:
        """The installed rulebooks, with the organisation's own laid over them: what could be applied."""
        return load(over=self.settings.rules)

    @cached_property
    def law(self) -> Law:
        """The editions that cases run on."""
        return law_of(self.database, self.files)

    async def office(self) -> "Office":
        """The engine's door.

        Raises:
            NotRunning: no engine answers.
        """
        # the engine's client takes half a second to import, which reading commands do not need
        from runtime.client import connect
        from runtime.office import Office

        return Office(await connect(self.settings, self.keys[0]), self.store, now)

    def find(self, text: str) -> str:
        """The case that a person means, by reference or nickname.

        Raises:
            NotFound: there is none, or more than one.
            Erased: it was erased.
        """
        try:
            reference = parse_reference(text)
            if (fenced_at := self.board.fenced_at(reference)) is not None:
                raise Erased(
                    f"this case was erased on {fenced_at:%Y-%m-%d}: nothing can be recorded in it any more, "
                    f"and there is nothing to read but `safeconduct erase status {reference}`"
                )
            if self.board.case(reference) is not None or is_noted(self.database, reference):
                return reference
        except NotUnderstood:
            pass
        found = self.vault.find(text)
        if not found:
            raise NotFound("there is no case with this reference or nickname: `safeconduct cases` lists them")
        if len(found) > 1:
            raise NotFound(f"{len(found)} cases have this nickname: use the reference ({', '.join(found)})")
        return found[0]

    def find_or_erased(self, text: str) -> str:
        """The same, and the reference of a case that was erased.

        Raises:
            NotFound: there is none, or more than one.
        """
        try:
            return self.find(text)
        except Erased:
            return parse_reference(text)

    def names(self, what: str, *references: str) -> Callable[[str], str]:
        """The nicknames of cases. A reading.

        Args:
            what: why they are read.
        """
        known = self.vault.nicknames(what, *references)
        return lambda reference: known.get(reference, LOCKED_NAME)

    def names_shown(self, references: Collection[str]) -> Callable[[str], str]:
        """The nicknames of the cases that a list shows. A reading, written down as one of a list."""
        cases = {one for one in references if not is_country(one)}
        known = self.vault.nicknames_among_all("list", cases) if cases else {}
        # the watch of a country stands in the same lists, and has no other name
        return lambda reference: "" if is_country(reference) else known.get(reference, LOCKED_NAME)

    def events(self, reference: str, what: str) -> tuple[Event, ...]:
        """All that happened in a case. A reading.

        Raises:
            Locked: the case is locked.
        """
        self.keys[1].must_be_unlocked(case_stream(reference))
        log_readings(self.database, self.staff, what, [reference], now())
        return self.store.read_case(reference)

    def event(self, reference: str, text: str) -> Event:
        """The event whose id begins like this. A reading.

        Raises:
            NotFound: there is none, or more than one.
            Locked: the case is locked.
        """
        found = [
            event for event in self.events(reference, "correction") if str(event.event_id).startswith(text.lower())
        ]
        if len(found) != 1 or not text:
            raise NotFound("there is no such event: `safeconduct timeline CASE` shows their ids")
        return found[0]

    def erasure(self, reference: str) -> Erasure:
        """Where the erasure of a case stands; it outlives the case."""
        return empty_erasure(reference).plus(self.store.read(erasure_stream(reference))).state

    async def erase(self, reference: str, fact: Fact) -> Receipt:
        """Ask for an erasure, approve it, or withdraw it.

        Raises:
            SafeconductError: it is refused, or the engine does not answer.
        """
        return await self.tell(erasure_stream(reference), fact)

    async def tell(self, stream: str, fact: Fact, occurred: Occurred | None = None) -> Receipt:
        """Give a fact to a stream that belongs to no phase. It happened now, if nothing else is said.

        Raises:
            SafeconductError: it is refused, or the engine does not answer.
        """
        moment = now()
        command = Command(
            command_id=uuid4(),
            actor=self.staff,
            occurred=occurred or Occurred.at_instant(moment),
            learned_on=moment.date(),
            fact=fact,
            sent_at=moment,
        )
        return await (await self.office()).send(stream, command)

    async def take_in(self, content: bytes, file: IntakeFile) -> tuple[str, Receipt | None]:
        """Make an intake file a case, once: the same file again is the same case, and resumes where it stopped.

        Raises:
            SafeconductError: its past makes no sense, or the engine does not answer.
        """
        office = await self.office()
        history = tuple(self._kept_as_set(past) for past in file.intake.history)
        file = file.model_copy(update={"intake": file.intake.model_copy(update={"history": history})})
        fresh = make_reference(lambda: secrets.randbits(60))
        self.check(fresh, file)
        known = self.vault.import_of(content, fresh)
        if known.is_started:
            return known.reference, None
        self.vault.keep(known.reference, file.identity)
        actor = file.intake.opened.coordinator
        receipt = await office.start_case(known.reference, file.intake, actor, file.since, known.command_id)
        self.vault.mark_started(known.reference)
        return known.reference, receipt

    def check(self, reference: str, file: IntakeFile) -> Story:
        """Let the past of a file happen in memory: what the engine would refuse is refused before anything is written.

        Raises:
            SafeconductError: an entry of its past makes no sense.
        """
        return story_of_file(reference, file, self.law, now())

    async def record(self, reference: str, past: Past, note: str | None = None) -> Receipt:
        """Give a decision or report to its phase.

        Raises:
            SafeconductError: it is refused, makes no sense, or the engine does not answer.
        """
        office = await self.office()
        past = self._kept_as_set(past)
        note_id: UUID | None = self.vault.note(reference, note) if note else None
        try:
            return await office.record(reference, past, uuid4(), note_id)
        except SafeconductError as error:
            if note_id is not None and error.code != "not-running":
                self.vault.drop_note(note_id)
            raise

    def _kept_as_set(self, past: Past) -> Past:
        """A path that is closed is kept for as long as the settings say, where the one who closes it does not say."""
        days, fact = self.settings.retention_days, past.fact
        if days is None or not isinstance(fact, PathClosed) or fact.retention_days is not None:
            return past
        return past.model_copy(update={"fact": fact.model_copy(update={"retention_days": days})})

    async def correct(self, reference: str, stream: str, correction: Fact, note: str | None = None) -> Receipt:
        """Correct an event of a stream.

        Raises:
            SafeconductError: it can't be corrected so, or the engine does not answer.
        """
        office = await self.office()
        note_id = self.vault.note(reference, note) if note else None
        moment = now()
        command = Command(
            command_id=uuid4(),
            actor=self.staff,
            occurred=Occurred.at_instant(moment.replace(second=0, microsecond=0)),
            learned_on=moment.date(),
            note=note_id,
            fact=correction,
            sent_at=moment,
        )
        receipt = await office.send(stream, command)
        await office.path_has_heard(reference, stream)
        return receipt


def at_desk(staff: str | None = None) -> Desk:
    """This command's desk.

    Raises:
        NotUnderstood: the sign-in name has a form that no staff member has.
    """
    settings = Settings()
    name = staff or who(settings)
    check_name(name)
    return Desk(settings, name)


def check_name(name: str) -> str:
    """
    Raises:
        NotUnderstood: no staff member is called so.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,39}", name):
        raise NotUnderstood(
            "a sign-in name has lower-case letters, digits, dot, dash, underscore: set --as or $SAFECONDUCT_STAFF"
        )
    return name


def read_file(path: Path) -> bytes:
    """A file that a person named.

    Raises:
        NotUnderstood: it can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotUnderstood(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None


def read_text(path: Path) -> str:
    """A text file that a person named.

    Raises:
        NotUnderstood: it can't be read, or is no text.
    """
    try:
        return read_file(path).decode()
    except UnicodeDecodeError:
        raise NotUnderstood(f"{path}: this is not a text file in UTF-8") from None


def read_intake_file(path: Path) -> tuple[bytes, IntakeFile]:
    """An intake file that a person named.

    Raises:
        NotUnderstood: it can't be read, or makes no sense.
    """
    text = read_text(path)
    try:
        return text.encode(), read_intake(text)
    except NotUnderstood as error:
        raise NotUnderstood(f"{path}: {error.sentence}") from None


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Do what a command asks of the engine, and export its traces where that is wished."""
    stop_telling = telemetry.export("command-line")
    try:
        return asyncio.run(work)
    finally:
        stop_telling()


def as_json(value: Any) -> str:
    """Anything a command shows, for a program to read."""
    return json.dumps(value, indent=2, default=str, ensure_ascii=False)
