"""Which engine is meant, and how it is reached.

In this order: what the environment says (``TEMPORAL_…``, as Temporal's own tools read it); the engine that runs for
this folder; a profile of ``temporal.toml`` that names an address. No sentence from here repeats a value: one may be a
key.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from temporalio.envconfig import ClientConfigProfile, ClientConnectConfig

from runtime.settings import NotRunning, Running, Settings

_CHOOSE = ("TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE", "TEMPORAL_API_KEY", "TEMPORAL_TLS")
"""With one of these somebody means an engine of their own. A namespace alone does not: every engine has one."""


def connection(settings: Settings) -> ClientConnectConfig:
    """How to reach the engine.

    Raises:
        NotRunning: none is named and none runs here, or what names it makes no sense.
    """
    if chooses(os.environ):
        profile = _profile()
        if not profile.address:
            raise NotRunning("the TEMPORAL_… variables name no address: set TEMPORAL_ADDRESS, or a profile with one")
        return _checked(profile)
    try:
        return to(settings.running())
    except NotRunning:
        profile = _profile()
        if not profile.address:
            raise
        return _checked(profile)


def to(running: Running) -> ClientConnectConfig:
    """How to reach an embedded engine: on loopback, in the one namespace that it has."""
    return {"target_host": running.address}


def chooses(environment: Mapping[str, str]) -> bool:
    """Whether an environment means an engine of its own."""
    return any(value and name.startswith(_CHOOSE) for name, value in environment.items())


def forget_chosen_engines() -> None:
    """This process, and all that it starts, uses the engine of its folder alone."""
    for name in [name for name in os.environ if name.startswith("TEMPORAL_")]:
        del os.environ[name]


def _profile() -> ClientConfigProfile:
    file = os.environ.get("TEMPORAL_CONFIG_FILE")
    if file and not Path(file).is_file():
        raise NotRunning("the file that TEMPORAL_CONFIG_FILE names does not exist")
    try:
        return ClientConfigProfile.load()
    except Exception as error:  # the library's own error is no public type, and its text shows lines of the file
        if str(error).endswith("not found"):
            raise NotRunning("temporal.toml has no profile of the name that TEMPORAL_PROFILE gives") from None
        raise NotRunning(
            "temporal.toml or a TEMPORAL_… variable makes no sense: `temporal config list` shows where"
        ) from None


def _checked(profile: ClientConfigProfile) -> ClientConnectConfig:
    if "://" in (profile.address or ""):
        raise NotRunning("the engine's address has no scheme: write host:port")
    if profile.tls is not None:
        for what, source in (
            ("certificate of the authority", profile.tls.server_root_ca_cert),
            ("client certificate", profile.tls.client_cert),
            ("key of the client certificate", profile.tls.client_private_key),
        ):
            if isinstance(source, Path):
                _must_be_readable(what, source)
        if profile.tls.disabled and profile.api_key:
            raise NotRunning("an API key needs TLS: without it anybody on the way can read the key")
    return profile.to_client_connect_config()


def _must_be_readable(what: str, file: Path) -> None:
    try:
        file.open("rb").close()
    except OSError as error:
        why = (error.strerror or "it cannot be read").lower()
        raise NotRunning(f"the {what} for the engine cannot be read: {why}") from None
