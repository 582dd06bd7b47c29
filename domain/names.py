"""Names, so that one person's name is told again however it was written down.

A word becomes its *skeleton*: what is left when case, alphabet, and the choices of whoever transliterated it are taken
away. Сергей, Sergei, Sergey and Serhii are one skeleton; Щербаков, Shcherbakov and Scherbakov another. A skeleton is
for comparing alone: it is nobody's name, and some different names share one.

Which parts of a name are compared is a choice between two mistakes, to miss somebody who returns and to take two people
for one:

- with a birth date on both sides: the same date and any two parts, so that a patronymic may be missing and a family
  name may have changed;
- with a birth date on one side or on none: all parts of one name stand in the other, two at least. Who bears a common
  name then meets his namesakes: a person looks, and decides;
- with two different birth dates: never. A date that was mistyped hides a person.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import combinations

PARTS = 8
"""So many parts of a name are compared, the longest. More would only make more digests."""


class Basis(StrEnum):
    """What two names were found alike by."""

    BIRTH_DATE = "names and birth date"
    NAMES = "names alone"


@dataclass(frozen=True)
class Marks:
    """What tells a person again. Two people are alike if one's *kept* meets the other's *sought*.

    Attributes:
        kept: what is written down of a person.
        sought: what is looked for among what was written down of others, and by what they are then alike.
    """

    kept: frozenset[str]
    sought: dict[str, Basis]


def marks_of(name: str, birth_date: date | None) -> Marks:
    """What tells a person again, by a name in whatever order and alphabet."""
    parts = parts_of(name)
    own, others = ("undated", ("undated", "dated")) if birth_date is None else ("dated", ("undated",))
    whole, some = _whole_and_some(parts)
    born = {f"born|{birth_date}|{'|'.join(pair)}" for pair in _pairs(parts)} if birth_date is not None else set[str]()
    kept = {f"{own}|whole|{one}" for one in whole} | {f"{own}|part|{one}" for one in some}
    sought = {f"{other}|part|{one}" for other in others for one in whole}
    sought |= {f"{other}|whole|{one}" for other in others for one in some}
    by_names, by_date = dict.fromkeys(sorted(sought), Basis.NAMES), dict.fromkeys(sorted(born), Basis.BIRTH_DATE)
    return Marks(frozenset(kept | born), by_names | by_date)


def _pairs(parts: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    """Any two parts; who has one part only is compared with others who do."""
    return combinations(parts, min(2, len(parts))) if parts else ()


def _whole_and_some(parts: tuple[str, ...]) -> tuple[set[str], set[str]]:
    """A name as a whole, and as what a shorter form of it may be. One part alone names too many."""
    if len(parts) < 2:
        return set(), set()
    whole = "|".join(parts)
    return {whole}, {"|".join(some) for size in (2, 3) for some in combinations(parts, size)} | {whole}


def parts_of(name: str) -> tuple[str, ...]:
    """The skeletons of a name's parts, in an order of their own. Initials tell nobody again, and are left out."""
    words = (skeleton(word) for word in re.findall(r"[^\W\d_]+", _in_plain_letters(name)))
    longest_first = sorted({word for word in words if len(word) > 1}, key=lambda word: (-len(word), word))
    return tuple(sorted(longest_first[:PARTS]))


def skeleton(word: str) -> str:
    """What is left of a word when case, alphabet and ways of transliterating are taken away.

    The skeleton of a skeleton is itself.
    """
    reduced = "".join(filter(str.isalpha, _in_plain_letters(word)))
    for pattern, letters in _RULES:
        reduced = pattern.sub(letters, reduced)
    return reduced if reduced == word else skeleton(reduced)


def _in_plain_letters(text: str) -> str:
    """In small letters, Latin where it was Cyrillic, without marks above and below."""
    joined = unicodedata.normalize("NFKC", text.translate(_SOFT_SIGNS)).casefold()
    spelled = unicodedata.normalize("NFKC", joined).translate(_HACEKS)
    bare = "".join(one for one in unicodedata.normalize("NFKD", spelled) if unicodedata.category(one) != "Mn")
    return bare.translate(_LATIN)


_SOFT_SIGNS = dict.fromkeys(map(ord, "'’‘‛`´ʼʹʺ′″ʻʾʿ"))
"""Apostrophes within a word stand for soft and hard signs, which are dropped too."""

_HACEKS = str.maketrans({"č": "ch", "š": "sh", "ž": "zh"})
"""Before marks are taken off: here the mark is the sound."""

_LATIN = str.maketrans(
    dict(zip("абвгдезиклмнопрстуфыэ", "abvgdeziklmnoprstufye", strict=True))
    | {"ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ь": "", "ю": "iu", "я": "ia"}
    | {"є": "ie", "і": "i", "ґ": "g", "ђ": "d", "ј": "i", "љ": "l", "њ": "n", "ћ": "ch", "џ": "dzh"}
    | dict(zip("қғәңөүұһ", "kganouuh", strict=True))
    | {"ҳ": "kh", "ҷ": "dzh", "ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
)
"""Russian, Ukrainian, Belarusian, Kazakh and some more. й, ё, ї and ў have lost their marks before: и, е, і, у."""

_RULES = tuple(
    (re.compile(pattern), letters)
    for pattern, letters in (
        ("w", "v"),
        # щ and ш are one: Scherbakov and Sherbakov are both written for Щербаков
        ("schtsch|shtch|szcz|shch|sch|sz", "sh"),
        ("tsch|tch|cz", "ch"),
        # й and ж are one, for j is written for both: Jurij, Nadejda
        ("dzh|^dj|zh|y|j", "i"),
        # c is ц, but к where that is usual: Carl, Victor, Nicolai
        ("ck|^c(?![hie])|(?<=i)c(?=[aou])|c(?=[klrt])|q", "k"),
        ("c(?!h)|tz", "ts"),
        ("x", "ks"),
        ("ph", "f"),
        ("th", "t"),
        # х, г and the Ukrainian г are one: Oleg and Oleh, Mikhail and Mihail
        ("kh|gh|(?<![sc])h", "g"),
        ("ou", "u"),
        (r"(.)\1+", r"\1"),
        # passports write ъ as ie: Podieiacheva
        ("(?<=[bdfgklmnprstvz])ie(?=i[aeou])", ""),
        # е, ё, ye, yo, ie, io
        ("i[eo]", "e"),
        ("(?<=[sc]h)o", "e"),
        # Sergei and Serhii, Andrei and Andrii
        ("ei$", "i"),
        ("f$", "v"),
        ("ander$", "andr"),
    )
)
"""In this order. No rule makes letters that an earlier one would read in another way."""
