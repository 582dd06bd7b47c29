"""Intake files and scripts: TOML that a coordinator writes, read into facts.

A file names the person (for the vault alone), consent, the states never to be contacted, and what has happened already.
Every mistake becomes one line that names the entry and the field, and never repeats what was written there.
"""

import tomllib
from datetime import date, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from domain.case import CaseOpened, NeverContactSet
from domain.consent import ConsentGiven, Material, Purpose, Recipient, Scope
from domain.errors import NotUnderstood
from domain.events import FACTS, Intake, Past
from domain.facts import Fact, Frozen, Nature, Occurred
from domain.references import Phase
from domain.slips import must_make_sense

Kind = TypeVar("Kind", bound=Fact)
Value = TypeVar("Value", bound=BaseModel)

_OF_AN_ENTRY = frozenset({"kind", "on", "learned_on", "staff", "phase", "in"})


class Identity(Frozen):
    """Who a person is. Every field but the nickname may be missing.

    Its text form shows nothing: it must never slip into a log or an error.
    """

    nickname: str = Field(min_length=1, max_length=60, repr=False)
    name: str | None = Field(default=None, repr=False)
    birth_date: date | None = Field(default=None, repr=False)
    documents: str | None = Field(default=None, repr=False)
    phone: str | None = Field(default=None, repr=False)
    channels: str | None = Field(default=None, repr=False)

    def __str__(self) -> str:
        return "<sealed>"


class IntakeFile(Frozen):
    """An intake file, read.

    Attributes:
        identity: for the vault alone.
        intake: what the path begins with.
        since: when the case began.
    """

    identity: Identity
    intake: Intake
    since: Occurred


def read_intake(text: str) -> IntakeFile:
    """Read an intake file.

    Raises:
        NotUnderstood: it is no TOML, lacks something, or an entry makes no sense.
    """
    return intake_from(_toml(text))


def intake_from(content: dict[str, Any]) -> IntakeFile:
    """An intake from its fields, as a file or a person's answers give them.

    Raises:
        NotUnderstood: something is missing, or makes no sense.
    """
    if not isinstance(content.get("consent"), dict):
        raise NotUnderstood("[consent] is missing: consent is a case's first fact")
    coordinator = _text(content, "coordinator")
    opening = _fact(CaseOpened, {"coordinator": coordinator, "country": content.get("country")}, "the head of the file")
    history = tuple(
        read_entry(entry, f"history entry {number}", coordinator)
        for number, entry in enumerate(_list(content, "history"), start=1)
    )
    identity = {"nickname": content.get("nickname"), **_table(content, "identity")}
    _no_others(
        content, {"nickname", "coordinator", "country", "since", "consent", "never_contact", "identity", "history"}
    )
    return IntakeFile(
        identity=_model(Identity, identity, "[identity]"),
        intake=Intake(
            opened=opening,
            consent=_consent(content["consent"]),
            never_contact=_fact(NeverContactSet, {"states": content.get("never_contact", [])}, "never_contact"),
            history=history,
        ),
        since=_since(content, history),
    )


def read_script(text: str) -> tuple[Past, ...]:
    """Read a script: ``[[event]]`` entries of the same form as an intake file's history.

    Raises:
        NotUnderstood: it is no TOML, or an entry makes no sense.
    """
    content = _toml(text)
    _no_others(content, {"event"})
    return tuple(
        read_entry(entry, f"event {number}", None) for number, entry in enumerate(_list(content, "event"), start=1)
    )


def read_entry(entry: dict[str, Any], where: str, staff: str | None) -> Past:
    """Read one thing that happened.

    Raises:
        NotUnderstood: its kind, date or a field makes no sense; ``where`` says which entry.
    """
    kind = entry.get("kind")
    fact_type = FACTS.get(kind) if isinstance(kind, str) else None
    if fact_type is None or fact_type.nature is Nature.ENGINE or kind == "corrected":
        raise NotUnderstood(f"{where}: `kind` is missing or unknown; `safeconduct record --help` lists the kinds")
    occurred = _occurred(entry.get("on"), f"{where} ({kind})")
    learned = entry.get("learned_on", occurred.latest)
    fields = {name: value for name, value in entry.items() if name not in _OF_AN_ENTRY}
    fact = _fact(fact_type, fields, f"{where} ({kind})")
    try:
        must_make_sense(fact, occurred)
    except NotUnderstood as error:
        raise NotUnderstood(f"{where} ({kind}): {error.sentence}") from None
    values = {"occurred": occurred, "learned_on": learned, "actor": entry.get("staff", staff), "fact": fact}
    return _model(Past, {**values, "phase": _phase(entry, where), "country": entry.get("in")}, f"{where} ({kind})")


def parse_scope(text: str) -> Scope:
    """A scope of consent, written ``recipient:purpose:material+material``.

    Raises:
        NotUnderstood: a word is unknown.
    """
    try:
        recipient, purpose, materials = text.split(":")
        return Scope(
            recipient=Recipient(recipient),
            purpose=Purpose(purpose),
            materials=tuple(Material(material) for material in materials.split("+")),
        )
    except ValueError:
        words = f"{'|'.join(Recipient)}:{'|'.join(Purpose)}:{'|'.join(Material)}, joined by +"
        raise NotUnderstood(f"a scope of consent is written recipient:purpose:materials, with {words}") from None


def _consent(content: dict[str, Any]) -> ConsentGiven:
    scopes = content.get("scopes", [])
    if not isinstance(scopes, list) or not all(isinstance(one, str) for one in scopes):
        raise NotUnderstood("[consent]: `scopes` is a list of texts such as embassy:entry:existence+identity")
    given = {**content, "scopes": [parse_scope(one).model_dump() for one in scopes]}
    return _fact(ConsentGiven, given, "[consent]")


def _since(content: dict[str, Any], history: tuple[Past, ...]) -> Occurred:
    if "since" in content:
        return _occurred(content["since"], "since")
    if history:
        return min((past.occurred for past in history), key=lambda one: one.earliest)
    raise NotUnderstood("`since` is missing: the day on which the case began")


def _occurred(value: object, where: str) -> Occurred:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise NotUnderstood(f"{where}: an hour needs its time zone, as in 2024-05-31T14:30:00+05:00")
        try:
            return Occurred.at_instant(value)
        except OverflowError:
            raise NotUnderstood(f"{where}: this date lies at the edge of the calendar") from None
    if isinstance(value, date):
        return Occurred.on(value)
    if not isinstance(value, str):
        raise NotUnderstood(f"{where}: the date is missing; write it as 2024-05-31")
    try:
        return Occurred.parse(value)
    except NotUnderstood as error:
        raise NotUnderstood(f"{where}: {error.sentence}") from None


def _phase(entry: dict[str, Any], where: str) -> Phase | None:
    named = entry.get("phase")
    if named is None:
        return None
    try:
        return Phase(named)
    except ValueError:
        raise NotUnderstood(f"{where}: `phase` is one of {', '.join(Phase)}") from None


def make_fact(fact_type: type[Fact], fields: dict[str, Any]) -> Fact:
    """A fact from what was typed.

    Raises:
        NotUnderstood: a field is missing, unknown or has no meaning.
    """
    return _fact(fact_type, fields, "")


def _fact(fact_type: type[Kind], fields: dict[str, Any], where: str) -> Kind:
    return _model(fact_type, fields, where)


def _model(model: type[Value], fields: dict[str, Any], where: str) -> Value:
    """Validate, and turn pydantic's report into one line that shows no value."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "its fields"
        prefix = f"{where}: " if where else ""
        raise NotUnderstood(f"{prefix}`{field}`: {_plain(first['type'], first['msg'])}") from None


def _plain(kind: str, message: str) -> str:
    match kind:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is not known here"
        case "value_error":
            return message.removeprefix("Value error, ")
        case _:
            return message[:1].lower() + message[1:]


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = str(error).rsplit("(", 1)[-1].rstrip(")")
        raise NotUnderstood(f"this is not TOML, or it ends half-way ({place})") from None


def _list(content: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = content.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise NotUnderstood(f"write each entry under a line [[{name}]]")
    return found


def _table(content: dict[str, Any], name: str) -> dict[str, Any]:
    found = content.get(name, {})
    if not isinstance(found, dict):
        raise NotUnderstood(f"write these fields under a line [{name}]")
    return found


def _text(content: dict[str, Any], name: str) -> str:
    found = content.get(name)
    if not isinstance(found, str):
        raise NotUnderstood(f"`{name}` is missing at the head of the file")
    return found


def _no_others(content: dict[str, Any], known: set[str]) -> None:
    if unknown := sorted(content.keys() - known):
        raise NotUnderstood(f"`{unknown[0]}` is not known here; known are: {', '.join(sorted(known))}")
