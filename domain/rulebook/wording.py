"""What the model refuses, in words for a jurist. A value is never repeated: it may have been pasted by mistake."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from pydantic import ValidationError

from domain.facts import Frozen

A_DAY = "a day is expected, as 2026-11-01: without quotation marks and without an hour"
A_TABLE = "a table is expected"
A_LIST = "a list is expected, in square brackets"
A_NUMBER = "a whole number is expected, without quotation marks"
TEXT = "text in quotation marks is expected"

_TYPES = {
    "string_type": TEXT,
    "string_too_short": "it is empty: write something, or leave it out",
    "int_type": A_NUMBER,
    "int_from_float": A_NUMBER,
    "int_parsing": A_NUMBER,
    "int_parsing_size": A_NUMBER,
    "bool_type": "true or false is expected, without quotation marks",
    "bool_parsing": "true or false is expected, without quotation marks",
    "tuple_type": A_LIST,
    "list_type": A_LIST,
    "too_short": "it is empty: write at least one",
    "dict_type": A_TABLE,
    "mapping_type": A_TABLE,
    "model_type": A_TABLE,
    "model_attributes_type": A_TABLE,
}

_FORMS = {
    "id": "an id is the country's code in small letters, a dot and words with dashes, such as kz.stay.visa-free",
    "steps": "an id is the country's code in small letters, a dot and words with dashes, such as kz.stay.visa-free",
    "url": "a page begins with https:// or http:// and holds no blank",
    "code": "a code is two capital letters, such as KZ",
    "country": "a code is two capital letters, such as KZ",
    "step": "a step is up to five short words of small letters and digits, with dashes between, such as stay-limit",
}

_A_WORD = "small letters and digits are expected, with dashes between words, such as asylum-seeker-certificate"

_MISSING = {
    "sources": 'sources is missing: write where it stands, such as sources = [{ url = "https://…" }]',
    "verified": "verified is missing: write the day on which you read the source, such as verified = 2026-11-01",
    "confidence": "confidence is missing: write high, medium, low or unverified",
    "place": 'the table [place] is missing: add it with time_zone, such as time_zone = "Asia/Almaty"',
}


class Sentence(NamedTuple):
    """One thing that the model refuses.

    Attributes:
        says: what, and what to do.
        names: the fields it is about, from the outer to the inner: by the last one that has a line, it is found.
    """

    says: str
    names: tuple[str, ...]


def sentences(error: ValidationError, model: type[Frozen], known: Sequence[str] = ()) -> Iterator[Sentence]:
    """All that a model refuses.

    Args:
        error: what it raised.
        model: which model.
        known: what may be written beside its own fields.
    """
    found = error.errors(include_url=False)
    for fault in found:
        if fault["type"] == "default_factory_not_called" or _is_within(fault["loc"], found, fault["type"]):
            continue  # another fault is why
        names = tuple(str(part) for part in fault["loc"])
        name = next((part for part in names if part in model.model_fields), "")
        if fault["type"] == "extra_forbidden":
            says = f"{name} has a field that is not known here" if name else unknown(names[-1], model, known)
            yield Sentence(says, names)
        else:
            yield Sentence(_says(fault, name, names), names)


def _is_within(where: tuple[int | str, ...], found: Sequence[Mapping[str, Any]], kind: str) -> bool:
    """Whether a list only counts as empty because something in it is wrong."""
    inner = (one["loc"] for one in found if len(one["loc"]) > len(where))
    return kind == "too_short" and any(one[: len(where)] == where for one in inner)


def unknown(wrong: str, model: type[Frozen], known: Sequence[str] = ()) -> str:
    """What to do about a field that is not known; it is not repeated."""
    names = [*_fields(model), *known]
    if near := get_close_matches(wrong, names, 1):
        return f"it has a field that is not known here: perhaps {near[0]} is meant"
    return f"it has a field that is not known here; known are {', '.join(names)}"


def _says(fault: Mapping[str, Any], name: str, names: tuple[str, ...]) -> str:
    if fault["type"] == "missing":
        return _missing(name, names)
    if name == "sources" and fault["type"] == "too_short":
        return _MISSING["sources"]
    words = _words(fault, names)
    return f"{name}: {words}" if name else words


def _missing(name: str, names: tuple[str, ...]) -> str:
    if len(names) == 1:
        return _MISSING.get(name, f"{name} is missing: add it")
    # names come from the model here: a table of a field that is not known is another fault
    return f"{name} is incomplete: add {names[-1]}"


def _words(fault: Mapping[str, Any], names: tuple[str, ...]) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    match kind:
        case "value_error":
            return str(fault["msg"]).removeprefix("Value error, ")
        case "string_pattern_mismatch":
            inner = next((part for part in reversed(names) if not part.isdecimal()), "")
            return _FORMS.get(inner, _A_WORD)
        case "enum" | "literal_error":
            return _one_of(str(context["expected"]), fault["input"])
        case "greater_than_equal":
            return f"a number from {context['ge']} is expected"
        case "less_than_equal":
            return f"a number up to {context['le']} is expected"
        case _ if kind.startswith("date"):
            return A_DAY
        case _:
            return _TYPES.get(kind, "this is not understood: compare it with docs/adding-a-country.md")


def _one_of(expected: str, found: object) -> str:
    words = expected.replace(" or ", ", ").replace("'", "").split(", ")
    near = get_close_matches(found, words, 1) if isinstance(found, str) else []
    return f"{f'perhaps {near[0]} is meant; ' if near else ''}possible are {', '.join(words)}"


def _fields(model: type[Frozen]) -> Iterator[str]:
    return (name for name in model.model_fields if name not in ("layer", "corrects"))
