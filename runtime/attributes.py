"""Which search attributes are used: those that the settings switch on, and that the engine has.

An engine refuses a workflow's whole task for one attribute that it does not know. So it is asked first.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError

from activities.contract import SEARCH_ATTRIBUTES
from domain.errors import NotUnderstood
from runtime.settings import Settings

ANSWER = timedelta(seconds=5)
"""How long the engine may take to list them."""

_TYPES = {
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
}

_log = logging.getLogger("safeconduct.worker")


def wanted(settings: Settings) -> dict[str, str]:
    """Those that the settings switch on, with their types.

    Raises:
        NotUnderstood: one of them is none.
    """
    if settings.search_attributes is None:
        return dict(SEARCH_ATTRIBUTES)
    names = [name.strip() for name in settings.search_attributes.split(",") if name.strip()]
    if any(name not in SEARCH_ATTRIBUTES for name in names):
        known = ", ".join(SEARCH_ATTRIBUTES)
        raise NotUnderstood(f"SAFECONDUCT_SEARCH_ATTRIBUTES is a list out of: {known} (empty for none)")
    return {name: SEARCH_ATTRIBUTES[name] for name in names}


async def lacking(client: Client, attributes: Mapping[str, str]) -> list[str]:
    """Those that the engine does not have, or has with another type.

    Raises:
        RPCError: it does not say.
    """
    request = ListSearchAttributesRequest(namespace=client.namespace)
    answer = await client.operator_service.list_search_attributes(request, timeout=ANSWER)
    return [name for name, kind in attributes.items() if answer.custom_attributes.get(name) != _TYPES[kind]]


async def make(client: Client, names: Iterable[str]) -> None:
    """Let the engine have search attributes. Its own flag for it works on a new file alone.

    Raises:
        RPCError: it has them, with another type; or it does not let us.
    """
    attributes = {name: _TYPES[SEARCH_ATTRIBUTES[name]] for name in names}
    if attributes:
        request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=attributes)
        await client.operator_service.add_search_attributes(request, timeout=ANSWER)


async def switched_on(client: Client, settings: Settings) -> tuple[str, ...]:
    """Those that a worker uses. Whatever the engine lacks is left out: no case depends on it.

    Raises:
        NotUnderstood: the settings name one that is none.
    """
    attributes = wanted(settings)
    try:
        left_out = await lacking(client, attributes)
    except RPCError:
        left_out = list(attributes)
    if left_out:
        _log.warning("search attributes that are not used, for the engine lacks them: %s", ", ".join(left_out))
    return tuple(name for name in attributes if name not in left_out)
