"""Turns the kinds of facts into command-line options and into questions, so that no kind is described twice."""

import inspect
from collections.abc import Callable
from enum import StrEnum
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from domain.case import Path
from domain.consent import Scope
from domain.errors import NotUnderstood
from domain.events import ROOMS
from domain.facts import Fact
from domain.intake import make_fact, parse_scope
from domain.references import Phase
from domain.room import SHARED, kind_of
from domain.slips import is_read_as_typed

PATH_PANEL = "The case itself"

Ask = Callable[[str, str | None], str]
"""Asks a person one question; the second argument is what an empty answer means."""


def recordable() -> dict[str, list[type[Fact]]]:
    """Every kind that a person can record, by the heading under which help shows it."""
    shown = tuple(fact for fact in Path.facts if kind_of(fact) not in ("case-opened", "room-opened-for-report"))
    panels: dict[str, list[type[Fact]]] = {PATH_PANEL: [*shown, *SHARED]}
    return panels | {str(phase): list(room.facts) for phase, room in ROOMS.items()}


def fields_of(fact: type[Fact]) -> dict[str, FieldInfo]:
    """The fields that a person fills in."""
    return {name: field for name, field in fact.model_fields.items() if name != "kind"}


def option_name(field: str) -> str:
    return "--" + field.replace("_", "-")


def is_switch(field: FieldInfo) -> bool:
    return field.annotation is bool


def is_list(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is tuple


def words_of(annotation: Any) -> list[str]:
    """The words that a field of a closed vocabulary takes; empty for any other."""
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return [str(word) for word in annotation]
    if get_origin(annotation) in (tuple, Union, UnionType):
        return next((words for part in get_args(annotation) if (words := words_of(part))), [])
    return []


def explained(field: FieldInfo) -> str:
    """A field in one line: its meaning, its words, and whether it may be left out."""
    words = words_of(field.annotation)
    choice = f" ({', '.join(words)})" if words else ""
    return f"{field.description or ''}{choice}"


def signature_of(fact: type[Fact], common: list[inspect.Parameter]) -> inspect.Signature:
    """The command line of a kind: an option for each field, then the common ones."""
    return inspect.Signature([*(_parameter(name, field) for name, field in fields_of(fact).items()), *common])


def option(name: str, flag: str, text: str) -> inspect.Parameter:
    """An option that may be left out."""
    annotation = Annotated[str | None, typer.Option(flag, help=text)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def command_of(fact: type[Fact], work: Callable[..., None], common: list[inspect.Parameter]) -> Callable[..., None]:
    """Work as the subcommand of a kind: it takes the context, and all options by name."""
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    signature = signature_of(fact, common)
    work.__signature__ = signature.replace(parameters=[context, *signature.parameters.values()])  # type: ignore[attr-defined]
    work.__doc__ = inspect.getdoc(fact)
    return work


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    required = " [required]" if field.is_required() else ""
    text = explained(field) + required
    if is_switch(field):
        flags = f"{option_name(name)}/--no-{name.replace('_', '-')}"
        annotation: Any = Annotated[bool | None, typer.Option(flags, help=text, show_default=False)]
    elif is_list(field):
        annotation = Annotated[list[str] | None, typer.Option(option_name(name), help=f"{text}; repeat for more")]
    else:
        annotation = Annotated[str | None, typer.Option(option_name(name), help=text, show_default=False)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def fact_from(fact: type[Fact], typed: dict[str, Any]) -> Fact:
    """A fact from what was typed; what was left out keeps its default.

    Raises:
        NotUnderstood: a field is missing or has no meaning.
    """
    for name, value in typed.items():
        if isinstance(value, str) and not is_read_as_typed(value):
            raise NotUnderstood(f"`{option_name(name)}`: a sign in it breaks the line or turns its order: type it anew")
    given = {name: _read(fields_of(fact)[name], value) for name, value in typed.items() if value not in (None, [], "")}
    try:
        return make_fact(fact, given)
    except NotUnderstood as error:
        sentence = error.sentence
        for name in fields_of(fact):
            sentence = sentence.replace(f"`{name}`", f"`{option_name(name)}`")
        raise NotUnderstood(sentence) from None


def _read(field: FieldInfo, value: Any) -> Any:
    if not is_list(field):
        return value
    values = [part for text in value for part in str(text).split(",") if part]
    if get_args(field.annotation)[0] is Scope:
        return [parse_scope(text).model_dump() for text in values]
    return values


def ask(question: str, default: str | None) -> str:
    """Ask in the terminal; a question without a default is asked until there is an answer."""
    return str(typer.prompt(question, default=default, show_default=bool(default)))


def ask_fields(fact: type[Fact], ask: Ask) -> dict[str, Any]:
    """Ask for every field of a kind, one after the other."""
    answers: dict[str, Any] = {}
    for name, field in fields_of(fact).items():
        default = None if field.is_required() else ""
        answer = ask(f"{name.replace('_', ' ')}: {explained(field)}", "yes" if is_switch(field) else default)
        if is_switch(field):
            answers[name] = answer.strip().lower() in ("y", "yes", "true")
        elif is_list(field):
            answers[name] = [part.strip() for part in answer.split(",") if part.strip()]
        else:
            answers[name] = answer
    return answers


def kind_named(kind: str) -> type[Fact]:
    """The kind a person typed.

    Raises:
        NotUnderstood: there is none.
    """
    for facts in recordable().values():
        for fact in facts:
            if kind_of(fact) == kind:
                return fact
    raise NotUnderstood("there is no kind of this name: `safeconduct record --help` lists them")


def phase_named(text: str | None) -> Phase | None:
    """The phase a person typed.

    Raises:
        NotUnderstood: there is none.
    """
    if text is None:
        return None
    try:
        return Phase(text)
    except ValueError:
        raise NotUnderstood(f"`--phase` is one of {', '.join(Phase)}") from None
