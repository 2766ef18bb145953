"""Sending one letter by SMTP (RFC 5321), plain text in UTF-8. The only place that speaks it.

A server says either yes, not now (4xx, or nobody answers), or never (5xx). Whether to try again is the caller's affair.
"""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

from beffroi.foundation.clock import SECOND, Instant
from beffroi.foundation.errors import Misconfigured, Refused, Unreachable
from beffroi.foundation.settings import settings

TIMEOUT_S = 20


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent: to one address, under a name of its own by which servers know it again."""

    to: str
    subject: str
    text: str
    message_id: str
    at: Instant


class InDoubt(Unreachable):
    """The whole letter was handed over and no answer came: it may have been taken. Sending it again may double it."""

    key = "mail-in-doubt"


def is_address(text: str) -> bool:
    """Tell whether a text may be a mail address: one `@`, a name before, a domain with a dot behind, nothing else."""
    name, at, domain = text.rpartition("@")
    plain = text.isascii() and text.isprintable() and not set(text) & set(' <>,;:"()[]\\')
    return bool(at and name and "@" not in name and "." in domain.strip(".")) and plain and len(text) <= 200


def is_set_up() -> bool:
    """Tell whether this post has a mail server."""
    return settings().smtp_host is not None


def send(letter: Letter) -> None:
    """Hand a letter to the post's mail server. Returns when the server has taken it.

    Raises Misconfigured without a server, Refused when it will never take it, Unreachable when it may later, InDoubt when
    it may have taken it.
    """
    if not is_address(letter.to):
        raise Refused(f"{letter.to[:80]!r} is no mail address", key="mail-refused")
    body = _message(letter).as_bytes(policy=SMTP)
    handed_over = False
    try:
        server = _server()
        try:
            server.ehlo_or_helo_if_needed()
            _expect(server.mail(str(settings().smtp_from)), 250)
            _expect(server.rcpt(letter.to), 250, 251)
            handed_over = True
            code, told = server.data(body)
            handed_over = False
            _expect((code, told), 250)
        finally:
            server.close()
    except smtplib.SMTPAuthenticationError as error:
        raise Misconfigured(f"the mail server refuses the account: {_words(error)}") from error
    except smtplib.SMTPResponseException as error:
        if error.smtp_code >= 500:
            raise Refused(f"the mail server refuses the letter: {_words(error)}", key="mail-refused") from error
        raise Unreachable(f"the mail server cannot take it now: {_words(error)}") from error
    except (OSError, smtplib.SMTPException) as error:
        if handed_over:
            raise InDoubt("the letter was handed over and the mail server did not answer") from error
        raise Unreachable(f"the mail server does not answer: {type(error).__name__}") from error


def _expect(answer: tuple[int, bytes], *codes: int) -> None:
    if answer[0] not in codes:
        raise smtplib.SMTPResponseException(*answer)


def _server() -> smtplib.SMTP:
    ours = settings()
    if ours.smtp_host is None:
        raise Misconfigured("no mail server: set BEFFROI_SMTP_HOST")
    context = ssl.create_default_context(cafile=str(ours.smtp_ca) if ours.smtp_ca else None)
    server: smtplib.SMTP
    if ours.smtp_security == "tls":
        server = smtplib.SMTP_SSL(ours.smtp_host, ours.smtp_port, timeout=TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(ours.smtp_host, ours.smtp_port, timeout=TIMEOUT_S)
    try:
        if ours.smtp_security == "starttls":
            server.starttls(context=context)
        server.ehlo_or_helo_if_needed()
        if ours.smtp_user is not None:
            server.login(ours.smtp_user, ours.smtp_password.get_secret_value() if ours.smtp_password else "")
    except BaseException:
        server.close()
        raise
    return server


def _message(letter: Letter) -> EmailMessage:
    message = EmailMessage()
    message["From"] = str(settings().smtp_from)
    message["To"] = letter.to
    message["Subject"] = " ".join(letter.subject.split())
    message["Date"] = formatdate(letter.at / SECOND, localtime=False)
    message["Message-ID"] = letter.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, cte="quoted-printable")
    return message


def _words(error: smtplib.SMTPResponseException) -> str:
    told = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else str(error.smtp_error)
    return f"{error.smtp_code} {told}"[:200]
