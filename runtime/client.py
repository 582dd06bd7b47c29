"""The one way to a Temporal client."""

import asyncio
from datetime import timedelta
from functools import cache

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RPCError, RPCStatusCode

from records.keys import Keys
from runtime.allowlist import ClientAllowlist, Program
from runtime.codec import sealing_converter
from runtime.connection import connection, to
from runtime.settings import NotRunning, Running, Settings

CONNECT_SECONDS = 10.0
"""How long an engine may take to answer at all. A firewall that swallows all would hold a command for minutes."""

_SILENT = "the engine does not answer: start it with `make run` (or `make demo`)"

_SENTENCES = (
    ("Must have both", "a client certificate needs its key, and a key its certificate: only one of them is set"),
    ("InvalidCertificate", "the engine's certificate is not for this address, or of an authority that is not trusted"),
    ("InvalidContentType", "the engine does not speak TLS: take the TLS settings and the API key away"),
    ("KeyParse", "the client certificate or its key is broken"),
    ("CertificateParse", "the client certificate or the authority's certificate is broken"),
    ("InconsistentKeys", "the client certificate and its key do not belong together"),
    ("Unauthenticated", "the engine refuses the API key"),
    ("PermissionDenied", "the engine refuses the API key or the client certificate"),
    ("error after connection", "the engine hung up: it wants TLS, or a client certificate that it knows"),
)
"""What stands in the library's errors, and what it means. Their own text is never shown."""

_REFUSED = (RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.PERMISSION_DENIED)


_AT_A_TERMINAL = (Program.COMMAND_LINE, Program.DOCTOR, Program.SUPERVISOR)
"""A person reads what these print: one line of our own. All others write Temporal's warnings into their logs."""


@cache
def hush() -> None:
    """Let Temporal's core write nothing: it would write to the terminal by itself, and quote the engine's answers."""
    silent = Runtime(telemetry=TelemetryConfig(logging=None), disable_environment_info=True)
    Runtime.set_default(silent, error_if_already_set=False)


async def connect(
    settings: Settings, keys: Keys | None, running: Running | None = None, *, program: Program = Program.COMMAND_LINE
) -> Client:
    """A client of the engine that the environment, the folder or a profile names.

    Args:
        settings: where to look.
        keys: for engine and log; without them only questions that carry no payload can be asked.
        running: an embedded engine; then nothing is looked for.
        program: who asks; a worker's client marks what was not sealed for it.

    Raises:
        NotRunning: none is named, it does not answer, it refuses, or what names it makes no sense.
    """
    if program in _AT_A_TERMINAL:
        hush()
    config = to(running) if running is not None else connection(settings)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            client = await Client.connect(
                **config,
                data_converter=sealing_converter(keys, is_worker=program is Program.WORKER),
                identity=program,
                interceptors=[ClientAllowlist()],
            )
            await _has_its_namespace(client)
    except TimeoutError:
        raise NotRunning(_SILENT) from None
    except (RuntimeError, ValueError) as error:
        raise NotRunning(_sentence(str(error))) from None
    return client


async def _has_its_namespace(client: Client) -> None:
    """Return if the engine has the client's namespace: else a worker's refusal would be a traceback.

    Raises:
        NotRunning: it has not, or does not say.
    """
    request = DescribeNamespaceRequest(namespace=client.namespace)
    try:
        await client.workflow_service.describe_namespace(request, timeout=timedelta(seconds=CONNECT_SECONDS))
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise NotRunning("the engine has no namespace of the name that TEMPORAL_NAMESPACE gives") from None
        raise NotRunning("the engine refuses the API key" if error.status in _REFUSED else _SILENT) from None


def _sentence(text: str) -> str:
    return next((sentence for fragment, sentence in _SENTENCES if fragment in text), _SILENT)
