"""Countries as data, one TOML file each, and the model that reads them."""

from domain.rulebook.model import Confidence, Country, EntryDocument, Rule, Rulebook, Rules, Source, Status
from domain.rulebook.reader import load, parse

__all__ = [
    "Confidence",
    "Country",
    "EntryDocument",
    "Rule",
    "Rulebook",
    "Rules",
    "Source",
    "Status",
    "load",
    "parse",
]
