"""Email over SMTP. The sentence is the whole mail; its subject is one word."""

import asyncio
import re
import ssl
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum

import aiosmtplib
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from activities.notifications.channel import ACCEPTED, Answer, Message, Outcome
from activities.notifications.http import is_this_machine
from activities.notifications.registry import Kind
from domain.errors import NotUnderstood

SUBJECT = "Safeconduct"

TIMEOUT_SECONDS = 8.0
"""Of each step. The whole must end within the activity's own time."""

PAUSE = timedelta(minutes=5)
"""After 421 and 45x: a server that greylists takes a mail after a few minutes, and not before."""

_SHUT_OUT = frozenset({530, 534, 535, 538})
"""What a server says to who is not, or not rightly, signed in."""

_WORD = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(rf"(?=[^@]{{1,64}}@){_WORD}(?:\.{_WORD})*@(?=.{{1,255}}$)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
"""The plain form of RFC 5321 (4.1.2), in ASCII: what else it allows, many a server or library does not take."""


class Security(StrEnum):
    """How the way to the server is kept shut."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"
    """For a server on this very machine alone."""


class EmailSettings(BaseSettings):
    """
    Attributes:
        host: the server that takes mail from us.
        port: 587 for STARTTLS, 465 for TLS from the beginning.
        security: ``starttls``, ``tls`` or ``none``.
        user: who signs in; nobody if left out.
        password: with what.
        sender: the address from which it is sent.
    """

    model_config = SettingsConfigDict(env_prefix="SAFECONDUCT_EMAIL_", hide_input_in_errors=True)

    host: str | None = None
    port: int = Field(default=587, ge=1, le=65535)
    security: Security = Security.STARTTLS
    user: str | None = Field(default=None, repr=False)
    password: SecretStr | None = None
    sender: str | None = Field(default=None, repr=False)


class Email:
    """Sends through one server, from one address."""

    name = "email"

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings

    def deliver(self, address: str, message: Message) -> Answer:
        """Send one mail. Its Message-ID is the message's own: most servers of recipients keep one of each."""
        try:
            asyncio.run(self._send(self._mail(address, message)))
        except aiosmtplib.SMTPAuthenticationError as error:
            return self._refused(error.code, is_of_us=True)
        except aiosmtplib.SMTPRecipientsRefused as error:
            return self._refused(error.recipients[0].code)
        except aiosmtplib.SMTPSenderRefused as error:
            return self._refused(error.code, is_of_us=True)
        except aiosmtplib.SMTPResponseException as error:
            return self._refused(error.code)
        except ssl.SSLCertVerificationError:
            return self._says(Outcome.NEEDS_A_HUMAN, "the server's certificate is not good")
        except OSError as error:  # what the library says of timeouts and lost connections is one too
            return self._says(Outcome.TRANSIENT, type(error).__name__)
        except aiosmtplib.SMTPException as error:  # the server lacks what the settings, or the address, ask for
            return self._says(Outcome.NEEDS_A_HUMAN, type(error).__name__)
        return ACCEPTED

    async def _send(self, mail: EmailMessage) -> None:
        found = self._settings
        await aiosmtplib.send(
            mail,
            hostname=found.host,
            port=found.port,
            username=found.user,
            password=found.password.get_secret_value() if found.password is not None else None,
            use_tls=found.security is Security.TLS,
            start_tls=found.security is Security.STARTTLS,
            timeout=TIMEOUT_SECONDS,
            local_hostname="localhost",  # else the name of this machine goes out
        )

    def _mail(self, address: str, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self._settings.sender or ""
        mail["To"] = address
        mail["Subject"] = SUBJECT
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = f"<{message.id}@safeconduct.invalid>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        return mail

    def _refused(self, code: int, *, is_of_us: bool = False) -> Answer:
        """What a code says (RFC 5321, 4.2.1): 4xx for now, 5xx for good; of ourselves, for somebody to mend.

        Below 200 is no code: what answered speaks no SMTP, as a proxy whose server is down.
        """
        why = f"answer {code}"
        if code < 200:
            return self._says(Outcome.TRANSIENT, why)
        if 400 <= code < 500:
            return self._says(Outcome.TRANSIENT, why, PAUSE)
        if is_of_us or code in _SHUT_OUT:
            return self._says(Outcome.NEEDS_A_HUMAN, why)
        return self._says(Outcome.PERMANENT, why)

    def _says(self, outcome: Outcome, why: str, wait: timedelta | None = None) -> Answer:
        return Answer(outcome, f"{self.name}: {why}", wait)


def _from_environment() -> Email | None:
    found = EmailSettings()
    if found.host is None and found.sender is None:
        return None
    if found.host is None or found.sender is None:
        raise NotUnderstood("set both SAFECONDUCT_EMAIL_HOST and SAFECONDUCT_EMAIL_SENDER, or neither")
    if found.security is Security.NONE and not is_this_machine(found.host):
        raise NotUnderstood("SAFECONDUCT_EMAIL_SECURITY is starttls or tls: none is for a server on this very machine")
    return Email(found.model_copy(update={"sender": _address(found.sender)}))


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text.strip()):
        raise NotUnderstood("write an email address as name@host, and nothing around it")
    return text.strip()


KIND = Kind(
    "email",
    "name@host",
    _address,
    _from_environment,
    tuple(f"SAFECONDUCT_EMAIL_{name.upper()}" for name in EmailSettings.model_fields),
)
