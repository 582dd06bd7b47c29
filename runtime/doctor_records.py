"""What the doctor sees of records, keyring, checkpoints, vault and law. It opens them to read, and changes nothing."""

import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import text
from sqlmodel import SQLModel

from domain.errors import Refused, SafeconductError, UnknownRule
from domain.rulebook import load
from domain.rulebook.editions import Law
from records.board import SHOWN
from records.checkpoints import BadCheckpoint
from records.database import Reader, is_there
from records.editions import digest_of, law_of
from records.errors import Outdated, StoreError, Unreachable
from records.forgetting import never_began
from records.keyring import Role
from records.log import Where, in_short
from records.migrating import KEYRING, RECORDS, Tree, must_be_current
from records.sqlite_log import TRIGGERS
from runtime.checkpointing import broken_off, lacking_elsewhere
from runtime.findings import Finding, Verdict, fail, ok, warn
from runtime.keys import is_begun, open_keys, ring_of
from runtime.settings import Settings

_MAY_CHANGE_THE_LOG = text(
    "SELECT bool_or(has_table_privilege('log.' || name, what)) FROM unnest(ARRAY['event', 'stream']) AS name, "
    "unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS what"
)


def about_records(where: Where) -> Iterator[Finding]:
    """Whether the records open, are whole, have this version's tables, and are closed to others."""
    if isinstance(where, str):
        found = _about_postgresql("records", where, RECORDS)
        yield _about_rights(where) or found if found.verdict is Verdict.OK else found
        return
    path = where
    if not path.exists():
        yield warn("records", "there are none yet", "nothing, before the first start; else set SAFECONDUCT_HOME")
        return
    if not path.stat().st_size:
        yield fail("records", "records.db is empty: what was in it is gone", "put back the newest copy of records.db")
        return
    if (broken := _broken(path)) is not None:
        yield fail("records", broken, "stop everything and put the last copy of records.db back, without temporal.db")
        return
    if lacking := _lacking(path):
        yield fail("records", f"made by another version: no {', '.join(lacking)}", "use the version that made them")
    elif gone := _unguarded(path):
        do = "find out who took them away; put back a backup from before, or see with `safeconduct verify` what is true"
        yield fail("records", f"what guards the log is gone: {', '.join(gone)}", do)
    else:
        yield ok("records", "open, whole, with the tables of this version")
    if any(stat.S_IMODE(one.stat().st_mode) & 0o077 for one in (path, path.parent)):
        yield warn("records", "other accounts may open the folder or its files", "chmod 700 the folder, 600 its files")


def _about_postgresql(check: str, url: str, tree: Tree) -> Finding:
    """Whether a PostgreSQL answers, and has this version's tables."""
    try:
        with closing(Reader(url)) as reader, reader.reading() as connection:
            must_be_current(connection, tree)
    except Outdated as error:
        return fail(check, str(error).partition(":")[0], "as the owner of its tables: safeconduct migrate")
    except StoreError as error:
        return fail(check, str(error), "start that PostgreSQL, or mend its address in the settings")
    return ok(check, f"{in_short(url)} answers, with the tables of this version")


def _about_rights(url: str) -> Finding | None:
    """What is wrong with what the application may do to the log: it reads, and calls one function."""
    try:
        with closing(Reader(url)) as reader, reader.reading() as connection:
            may = connection.execute(_MAY_CHANGE_THE_LOG).scalar_one()
    except StoreError as error:
        return fail("records", str(error), "start that PostgreSQL, or mend its address in the settings")
    if not may:
        return None
    do = "let SAFECONDUCT_RECORDS_URL name a role of its own, which owns nothing: see Records in PostgreSQL"
    return fail("records", "the application connects as who may change the log", do)


def about_keyring(settings: Settings) -> Finding:
    """Whether the keyring opens, is whole, and whether something here opens it without asking a person."""
    where = settings.keyring
    if isinstance(where, str):
        found = _about_postgresql("keyring", where, KEYRING)
        if found.verdict is not Verdict.OK:
            return found
    elif not where.exists():
        return warn("keyring", "there is none", "nothing, before the first start; else put keyring.db back")
    elif (broken := _broken(where)) is not None:
        return fail("keyring", broken, "put the last copy of keyring.db back: without it nothing can be read")
    try:
        if not is_begun(settings):
            do = "nothing, before the first start; else put keyring.db back"
            return warn("keyring", "it belongs to no key yet", do)
        open_keys(settings, Role.WORK, may_ask=False)
    except StoreError as error:  # of the records, without which no key opens
        return warn("keyring", f"whether it opens can't be seen: {error}", "mend the records first")
    except Refused as error:
        return fail("keyring", str(error), "put back the keyring that belongs to these records, or take its own key")
    except SafeconductError:
        return ok("keyring", "opens, and is whole; no key is at hand now, so a person's passphrase will be asked")
    return ok("keyring", "opens, is whole, and the key at hand fits it")


def about_generation(settings: Settings) -> Iterator[Finding]:
    """Whether the generation that the keyring is at is in the records, and no older one."""
    try:
        if not (is_there(settings.keyring, KEYRING) and is_there(settings.records, RECORDS)):
            return
        with closing(ring_of(settings)) as ring:
            present, there = ring.generation(), ring.generations.all()
    except StoreError:
        return  # the lines about the two files say it better
    if not present:
        return
    found = next((one for one in there if one.number == present), None)
    if found is None:
        do = "put back the keyring.db and the records.db that belong together, from one backup"
        yield fail("generation", f"{present}, which is not in the records: no key opens", do)
    elif there[0].number < present:
        do = "start the installation, or a worker: it ends what broke off"
        yield warn("generation", f"{present}; an older one is left, so older keyrings still open", do)
    else:
        yield ok("generation", f"{present}, since {found.made_at[:10]}; no older one is left")


def about_checkpoints(settings: Settings) -> Iterator[Finding]:
    """Whether each signed checkpoint of the log is kept elsewhere as well."""
    place = settings.checkpoints
    if place is None:
        do = "set SAFECONDUCT_CHECKPOINTS to a file on another disk: without one nobody sees that the log was cut off"
        yield warn("checkpoints", "lie beside the log alone", do)
        return
    try:
        if not is_there(settings.records, RECORDS):
            return
        with closing(Reader(settings.records)) as reader:
            missing, broken = lacking_elsewhere(reader, place), broken_off(place)
    except Refused as error:
        yield fail("checkpoints", str(error), "see that SAFECONDUCT_CHECKPOINTS names a file that this account reads")
        return
    except BadCheckpoint as error:
        yield fail("checkpoints", str(error), "find out who wrote it; nothing starts before the file is mended")
        return
    except StoreError:
        return  # the line about the records says it better
    if missing:
        do = "see that it can be written: a worker sends them then"
        yield warn("checkpoints", f"{place} lacks {len(missing)} that lie beside the log", do)
    elif broken:
        yield warn("checkpoints", f"{place}: a line was broken off ({', '.join(map(str, broken))})", "nothing")
    else:
        yield ok("checkpoints", "the file elsewhere has each of them")


def about_noted(settings: Settings) -> Iterator[Finding]:
    """Whether persons stand in the vault whose case never began: whoever started it broke off."""
    try:
        found = never_began(Reader(settings.records)) if is_there(settings.records, RECORDS) else []
    except StoreError:
        return  # the line about the records says it better
    if found:
        do = "start or import their files again, or have them erased: safeconduct erase REFERENCE"
        yield warn("vault", f"noted, and never begun: {', '.join(found[:SHOWN])}", do)


def about_law(settings: Settings) -> Iterator[Finding]:
    """Whether the rulebook's files can be read, and say what the edition says on which cases run."""
    try:
        files = load(over=settings.rules)
    except UnknownRule as error:
        yield fail("law", str(error), "safeconduct rules --check FILE")
        return
    try:
        law = law_of(Reader(settings.records), files) if is_there(settings.records, RECORDS) else Law.of(files)
    except StoreError:
        return  # the line about the records says it better
    if law.editions and law.editions[-1].digest != digest_of(files):
        found = f"the files say something else than edition {law.latest}, on which cases run"
        yield warn("law", found, "safeconduct rules --diff, then safeconduct rules --apply")
    else:
        yield ok("law", f"edition {law.latest}, as the files say" if law.editions else "the files, no edition yet")


def _broken(path: Path) -> str | None:
    """What is wrong with a database file."""
    reader = Reader(path)
    try:
        with reader.reading() as connection:
            said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    except Unreachable as error:
        return f"{path.name} does not open: {str(error).rpartition(': ')[2]}"
    finally:
        reader.close()
    return None if said == "ok" else f"{path.name} is damaged"


def _lacking(path: Path) -> list[str]:
    """The tables and columns of this version that the records do not have."""
    reader = Reader(path)
    with reader.reading() as connection:
        found = connection.exec_driver_sql(
            "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'"
        )
        columns = {f"{table}.{column}" for table, column in found}
    reader.close()
    wanted = [f"{table.name}.{column.name}" for table in SQLModel.metadata.sorted_tables for column in table.columns]
    return [column for column in wanted if column not in columns]


def _unguarded(path: Path) -> list[str]:
    """The triggers that the records should have, and have not as they should be."""
    reader = Reader(path)
    with reader.reading() as connection:
        found = {sql for (sql,) in connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE type = 'trigger'")}
    reader.close()
    wanted = [trigger.replace("IF NOT EXISTS ", "") for trigger in TRIGGERS]
    return [trigger.split()[2] for trigger in wanted if trigger not in found]
