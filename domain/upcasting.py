"""Events of earlier releases in today's shape: upcast when they are read, never written anew.

A fact's shape changes by a step from one schema version to the next. A field with a default needs no step.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from domain.events import Event
from domain.facts import SCHEMA

Step = Callable[[dict[str, Any]], dict[str, Any]]
"""Makes a body of one version a body of the next."""

STEPS: dict[int, Step] = {}
"""By the version they start from. A step that a release has needed once stays for ever."""

FENCE_SCHEMA = 0
"""The schema version of an entry without a body."""


def event_from(
    header: Mapping[str, str | int], schema: int, body: bytes, steps: Mapping[int, Step] | None = None
) -> Event:
    """An event of any release, from its header and its opened body.

    Args:
        header: event id, stream, version and instant of the entry.
        schema: the version in which the body was written.
        body: JSON.
        steps: from version to version; the project's own if left out.
    """
    if schema == SCHEMA:
        # by far the most: joined as text, for a body that is parsed only once costs half
        known = {**header, "schema_version": SCHEMA}
        head = "".join([f'"{name}":{_json(value)},' for name, value in known.items()])
        return Event.model_validate_json(b"{%b%b" % (head.encode(), body[1:]))
    found: dict[str, Any] = json.loads(body)
    for version in range(schema, SCHEMA):
        found = (steps if steps is not None else STEPS)[version](found)
    return Event.model_validate_json(json.dumps({**found, **header, "schema_version": SCHEMA}))


def _json(value: str | int) -> str:
    return json.dumps(value) if isinstance(value, str) else str(value)
