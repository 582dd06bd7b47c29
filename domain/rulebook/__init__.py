"""Countries as data, one TOML file each, and the model that reads them."""

from domain.rulebook.dated import Answer, Confidence, Dated, Source, Status
from domain.rulebook.known import EntryDocument, Penalty, RiskRecord, Service, StayLimit, Token, Track
from domain.rulebook.layers import check, load
from domain.rulebook.model import Country, Rulebook, Rules
from domain.rulebook.reader import Fault, parse
from domain.rulebook.rule import Rule

__all__ = [
    "Answer",
    "Confidence",
    "Country",
    "Dated",
    "EntryDocument",
    "Fault",
    "Penalty",
    "RiskRecord",
    "Rule",
    "Rulebook",
    "Rules",
    "Service",
    "Source",
    "Status",
    "StayLimit",
    "Token",
    "Track",
    "check",
    "load",
    "parse",
]
