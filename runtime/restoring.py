"""The commands for when engine and records have come apart: restore, revive and audit."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import Exit

from domain.errors import NotFound, NotUnderstood, SafeconductError
from domain.references import reference_of
from runtime.desk import NEVER_BEGAN, Desk, as_json, at_desk, run
from runtime.progress import progress, stopped_answering

if TYPE_CHECKING:  # the engine's client takes half a second to import: reading commands do not wait for it
    from temporalio.client import Client

    from runtime.audit import Audit, Difference
    from runtime.revival import Restored

Case = Annotated[str, typer.Argument(help="reference or nickname")]


class Differs(SafeconductError):
    """Engine and log do not say the same."""

    code = "differs"


def add_to(app: typer.Typer) -> None:
    """Make them commands of the command line."""
    for command in (restore, revive, audit):
        app.command()(command)


def restore(
    everything: Annotated[bool, typer.Option("--all", help="every open stream of every open case")] = False,
) -> None:
    """Start every open case again on an engine that has lost them. It adopts what runs; repeat it if it broke off."""
    if not everything:
        raise NotUnderstood("say `safeconduct restore --all`, or `safeconduct revive CASE` for one case")
    here = at_desk()
    restored = run(_restore(here))
    print(_tell(restored))
    _must_have_started(restored)


async def _restore(here: Desk) -> "Restored":
    client = (await here.office()).client
    return await bring_back(client, await asyncio.to_thread(here.board.open_streams))


async def bring_back(client: "Client", streams: Sequence[str]) -> "Restored":
    """Start streams that do not run, with progress.

    Raises:
        NotRunning: the engine stopped answering.
    """
    from temporalio.service import RPCError

    from runtime.revival import restore as restore_streams

    with progress("starting again", len(streams)) as done:
        try:
            return await restore_streams(client, streams, done)
        except RPCError as error:
            raise stopped_answering(error) from None


def _tell(restored: "Restored") -> str:
    by_paths = f", and {restored.entrusted} phases by their paths" if restored.entrusted else ""
    return f"{restored.started} started{by_paths}; {restored.adopted} were running."


def _must_have_started(restored: "Restored") -> None:
    """
    Raises:
        SafeconductError: some could not be started.
    """
    if restored.failed:
        stream, why = min(restored.failed.items())
        more = f", and {len(restored.failed) - 1} others," if len(restored.failed) > 1 else ""
        raise SafeconductError(f"{stream}{more} could not be started: {why}")


def revive(case: Case) -> None:
    """See that one case lives: start what does not run, let the rest read again, and wait until both ledgers agree."""
    here = at_desk()
    reference = here.find(case)
    streams = _open(here, reference)
    if not streams and here.board.case(reference) is None:
        raise NotFound(NEVER_BEGAN)
    if not streams:
        print(f"{reference} is closed: nothing has to run for it.")
        return
    restored, found = run(_revive(here, reference, streams))
    print(f"{reference}: {_tell(restored)}")
    _must_have_started(restored)
    _must_agree(found)


async def _revive(here: Desk, reference: str, streams: Sequence[str]) -> "tuple[Restored, Audit]":
    from temporalio.service import RPCError

    from runtime.audit import audit as compare
    from runtime.revival import let_read

    client = (await here.office()).client
    restored = await bring_back(client, streams)
    for stream in streams:
        with contextlib.suppress(RPCError):  # it ended meanwhile: then it is open no longer, or missed below
            await let_read(client, stream)
    return restored, await compare(client, here.store, lambda: _open(here, reference), ())


def _open(here: Desk, reference: str | None) -> list[str]:
    return [stream for stream in here.board.open_streams() if reference in (None, reference_of(stream))]


def audit(
    case: Annotated[str | None, typer.Argument(help="reference or nickname; everything if left out")] = None,
    json: Annotated[bool, typer.Option("--json", help="for a program to read")] = False,
) -> None:
    """Compare what the engine's workflows have read with the log, and name the first place where they differ."""
    here = at_desk()
    found = run(_audit(here, here.find(case) if case is not None else None))
    if json:
        print(as_json({**asdict(found), "differences": [_as_row(one) for one in found.differences]}))
        if found.differences:
            raise Exit(1)
        return
    _must_agree(found)
    print(f"Engine and log agree: {found.heads} open streams, {found.runs} histories.")


def _as_row(difference: "Difference") -> dict[str, object]:
    return {**asdict(difference), "kind": difference.kind.name.lower()}


async def _audit(here: Desk, reference: str | None) -> "Audit":
    from runtime.audit import audit as compare
    from runtime.audit import kept_runs

    client = (await here.office()).client
    histories = await kept_runs(client, reference)
    total = len(_open(here, reference)) + len(histories)
    with progress("comparing", total) as done:
        return await compare(client, here.store, lambda: _open(here, reference), histories, done)


def _must_agree(found: "Audit") -> None:
    """
    Raises:
        Differs: they do not; the sentence names the first place.
    """
    if found.differences:
        more = len(found.differences) - 1
        others = f" (and {more} more: `safeconduct audit --json` lists them)" if more else ""
        raise Differs(f"{found.differences[0].sentence}{others}")
