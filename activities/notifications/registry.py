"""Which channels there are: every file of this folder that holds a ``KIND``. A further one is one file.

Such a file says what its addresses look like, and makes its carrier from the environment; see ``signal.py`` for the
shortest example. Nothing else need be changed: commands, worker and doctor ask here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from pydantic import ValidationError

import activities.notifications
from activities.notifications.channel import Carrier
from domain.colleagues import Address
from domain.errors import NotUnderstood


@dataclass(frozen=True)
class Kind:
    """One kind of channel.

    Attributes:
        name: stands before an address, as in ``signal:+49…``.
        shape: what an address looks like, for who types one.
        address: an address in its one spelling; raises ``NotUnderstood`` without repeating what was typed.
        carrier: the way there, from the environment; ``None`` where it is not set up.
        settings: the names of its settings, for who sets it up.
    """

    name: str
    shape: str
    address: Callable[[str], str]
    carrier: Callable[[], Carrier | None]
    settings: tuple[str, ...]


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind, by its name."""
    package = activities.notifications
    found = [import_module(f"{package.__name__}.{module.name}") for module in iter_modules(package.__path__)]
    return {kind.name: kind for module in found if isinstance(kind := getattr(module, "KIND", None), Kind)}


def carriers() -> dict[str, Carrier]:
    """The ways that are set up on this machine, by the names of their kinds.

    Raises:
        NotUnderstood: a setting makes no sense.
    """
    made = {name: _made(kind) for name, kind in kinds().items()}
    return {name: carrier for name, carrier in made.items() if carrier is not None}


def _made(kind: Kind) -> Carrier | None:
    try:
        return kind.carrier()
    except ValidationError as error:  # what it holds is not repeated: it may be a secret
        wrong = error.errors(include_input=False, include_url=False, include_context=False)[0]
        name = "_".join(str(part) for part in wrong["loc"]).upper()
        raise NotUnderstood(f"the setting {name} of {kind.name} makes no sense: {wrong['msg'].lower()}") from None


def understood(address: Address) -> Address:
    """An address in its one spelling.

    Raises:
        NotUnderstood: there is no such channel, or its addresses look otherwise.
    """
    kind = kinds().get(address.channel)
    if kind is None:
        raise NotUnderstood(f"there is no such channel; there are: {', '.join(sorted(kinds()))}")
    return Address(channel=kind.name, to=kind.address(address.to))
