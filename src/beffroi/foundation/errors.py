"""Errors by meaning: each says what happened and what to do next, and has one HTTP status at the edge."""

from __future__ import annotations


class BeffroiError(Exception):
    """Root of the errors that a person or a machine outside is told about.

    `reason` is a sentence for that reader; `key` is stable and names the message in catalogues and problem details.
    """

    status = 500
    key = "error"

    def __init__(self, reason: str, *, key: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        if key is not None:
            self.key = key


class Malformed(BeffroiError):
    """What was sent cannot be read. Correct it and send it again; the original is kept in quarantine."""

    status = 422
    key = "malformed"


class Refused(BeffroiError):
    """Understood, and not accepted: the rule is in the reason."""

    status = 422
    key = "refused"


class Forbidden(BeffroiError):
    """This person may not do this here. Ask the room supervisor for the clearance that is named."""

    status = 403
    key = "forbidden"


class NotFound(BeffroiError):
    """There is no such thing, or this person may not know of it."""

    status = 404
    key = "not-found"


class Conflict(BeffroiError):
    """Someone else acted first; the reason says who. Look again before acting."""

    status = 409
    key = "conflict"


class Unreachable(BeffroiError):
    """A part of the post or an outside system does not answer. It is tried again without being asked."""

    status = 503
    key = "unreachable"


class Misconfigured(BeffroiError):
    """A setting is wrong or missing: the reason names it and says what to write."""

    status = 500
    key = "misconfigured"
