"""Seals everything that Temporal stores of a case, and refuses everything that was not sealed for its place.

A sealed payload names its key and its workflow in clear, for the decoder; both, and the namespace, are bound to what is
sealed. The key is the one of the workflow's scope, so a case's payloads open with that case's key alone.

A worker that raised an error on a foreign payload would fail the same workflow task for ever. So it puts a mark in its
place that no converter reads: an update or signal is then refused as one that makes no sense.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Self

from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    ActivitySerializationContext,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from records.keyring import scope_of
from records.keys import Keys, Purpose
from records.sealing import Sealer, SealError, lengthened

SEALED = b"binary/sealed"
JSON = b"json/plain"
REFUSED = Payload(metadata={"encoding": b"binary/refused"})
"""Stands where a worker was given something that was not sealed for it."""


class SealingCodec(PayloadCodec, WithSerializationContext):
    """Seals payloads for the workflow they belong to.

    Args:
        keys: the keys for engine and log.
        is_worker: whether a foreign payload is marked, instead of raised as an error.
    """

    def __init__(self, keys: Keys, *, is_worker: bool = False, namespace: str = "", workflow_id: str = "") -> None:
        self._keys = keys
        self._is_worker = is_worker
        self._namespace = namespace
        self._workflow_id = workflow_id

    def with_context(self, context: SerializationContext) -> Self:
        if not isinstance(context, WorkflowSerializationContext | ActivitySerializationContext):
            return self
        return self.of(context.namespace, context.workflow_id or "")

    def of(self, namespace: str, workflow_id: str) -> Self:
        """The same codec for one workflow."""
        return type(self)(self._keys, is_worker=self._is_worker, namespace=namespace, workflow_id=workflow_id)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """
        Raises:
            SealError: nobody said whose payloads these are.
        """
        if not self._workflow_id:
            raise SealError("a payload that belongs to no workflow can't be sealed")
        scope = scope_of(self._workflow_id)
        sealer = self._keys.recent(scope, Purpose.ENGINE)
        if sealer is None:
            sealer = await asyncio.to_thread(self._keys.sealer, scope, Purpose.ENGINE)
        return [self._sealed(payload, sealer) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """
        Raises:
            SealError: a payload was not sealed for this workflow; with ``is_worker`` it is marked instead.
            Unreadable: the keyring has no key for this workflow.
        """
        scope = scope_of(self._workflow_id)
        opener = self._keys.recent(scope, Purpose.ENGINE)
        if opener is None:
            opener = await asyncio.to_thread(self._keys.opener, scope, Purpose.ENGINE)
        return [self._opened(payload, opener) for payload in payloads]

    def open(self, payload: Payload) -> Payload:
        """One payload, for who waits for no loop.

        Raises:
            SealError: it was not sealed for this workflow; with ``is_worker`` it is marked instead.
            Unreadable: the keyring has no key for this workflow.
        """
        return self._opened(payload, self._keys.opener(scope_of(self._workflow_id), Purpose.ENGINE))

    def _sealed(self, payload: Payload, sealer: Sealer) -> Payload:
        if payload.metadata.get("encoding") == JSON:
            payload = Payload(metadata=payload.metadata, data=lengthened(payload.data))
        body = sealer.seal(self._place(sealer.key_id), payload.SerializeToString())
        metadata = {"encoding": SEALED, "key-id": sealer.key_id.encode(), "workflow-id": self._workflow_id.encode()}
        return Payload(metadata=metadata, data=body)

    def _opened(self, payload: Payload, opener: Sealer) -> Payload:
        try:
            if payload.metadata.get("encoding") != SEALED:
                raise SealError("a payload was not sealed")
            if payload.metadata.get("workflow-id") != self._workflow_id.encode():
                raise SealError("a payload was sealed for another workflow")
            key_id = payload.metadata.get("key-id", b"").decode(errors="replace")
            found = Payload.FromString(opener.unseal(self._place(key_id), payload.data))
            if found.metadata.get("encoding") == JSON:
                found.data = found.data.rstrip(b" ")
            return found
        except SealError:
            if not self._is_worker:
                raise
            return REFUSED

    def _place(self, key_id: str) -> str:
        return f"{self._namespace}|{self._workflow_id}|{key_id}"


class NoKeysCodec(PayloadCodec):
    """Of a client that asks the engine what needs no key, and must never write anything in clear."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """
        Raises:
            SealError: always.
        """
        raise SealError("nothing opens the keyring here")

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """
        Raises:
            SealError: always.
        """
        raise SealError("nothing opens the keyring here")


def sealing_converter(keys: Keys | None, *, is_worker: bool = False) -> DataConverter:
    """How clients (and, with ``is_worker``, workers) read and write what Temporal stores. Failures are sealed too."""
    return replace(
        pydantic_data_converter,
        payload_codec=SealingCodec(keys, is_worker=is_worker) if keys is not None else NoKeysCodec(),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
