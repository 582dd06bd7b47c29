"""The words that were agreed with a person: one says that he is well, the other that he is forced.

They are secrets like a name. He types them on any phone, in a hurry, so letter case, spaces, accents and punctuation do
not count; digits are words too, for who can't write.
"""

import unicodedata

from pydantic import Field

from domain.errors import NotUnderstood
from domain.facts import Frozen

LONGEST = 64
"""Letters of a word as it is typed: a short sentence."""


class AgreedWords(Frozen):
    """Both words, as they were typed. Their text form shows nothing.

    Attributes:
        well: says that he is well.
        duress: says that he is forced.
    """

    well: str = Field(repr=False)
    duress: str = Field(repr=False)

    def __str__(self) -> str:
        return "<sealed>"

    @classmethod
    def agree(cls, well: str, duress: str) -> "AgreedWords":
        """The words as they were typed.

        Raises:
            NotUnderstood: one is empty or too long, or they can't be told apart.
        """
        if max(len(well), len(duress)) > LONGEST:
            raise NotUnderstood(f"a word has {LONGEST} letters at most: nothing was written")
        if not (normalised(well) and normalised(duress)):
            raise NotUnderstood("a word needs a letter or a digit: nothing was written")
        if normalised(well) == normalised(duress):
            raise NotUnderstood("the two words can't be told apart: nothing was written")
        return cls(well=well.strip(), duress=duress.strip())


def normalised(word: str) -> str:
    """What counts of a word: its letters and digits, without case and accents: é is e, й is и."""
    folded = unicodedata.normalize("NFKD", word).casefold()
    return "".join(sign for sign in unicodedata.normalize("NFKD", folded) if sign.isalnum())
