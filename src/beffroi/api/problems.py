"""Errors as RFC 9457 problem details: the same shape for every status under `/api`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

import msgspec
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from beffroi.foundation.errors import BeffroiError
from beffroi.foundation.log import logger

MEDIA_TYPE = "application/problem+json"
log = logger("api")

View = Callable[..., HttpResponse]


class Problem(msgspec.Struct, omit_defaults=True):
    """Problem details. `type` ends with the stable key of the error; `detail` says what to do next."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = ""
    errors: list[dict[str, str]] = []


def problem(request: HttpRequest, status: int, key: str, detail: str, errors: Any = ()) -> HttpResponse:
    """Return an answer that tells a problem."""
    title = HTTPStatus(status).phrase
    told = Problem(f"urn:beffroi:{key}", title, status, detail, request.path, list(errors))
    response = HttpResponse(msgspec.json.encode(told), status=status, content_type=MEDIA_TYPE)
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="beffroi"'
    return response


def tell_problems(api: NinjaAPI) -> None:
    """Make every exception of a route a problem, by its meaning."""
    api.add_exception_handler(BeffroiError, _meant)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(HttpError, _framework)
    api.add_exception_handler(Http404, _missing)
    api.add_exception_handler(BadRequest, _bad_request)
    api.add_exception_handler(SuspiciousOperation, _bad_request)
    api.add_exception_handler(OperationalError, _no_database)
    api.add_exception_handler(InterfaceError, _no_database)
    api.add_exception_handler(Exception, _unexpected)


def _meant(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(request, error.status, error.key, error.reason)


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    wrong = [{"parameter": str(each["loc"][-1]), "detail": str(each["msg"])} for each in error.errors]
    told = "; ".join(f"{each['parameter']}: {each['detail']}" for each in wrong)
    return problem(request, 422, "malformed", f"the question cannot be read: {told}", wrong)


def _framework(request: HttpRequest, error: Any) -> HttpResponse:
    status = int(error.status_code)
    if status == HTTPStatus.UNAUTHORIZED:
        told = "sign in, or send `Authorization: Bearer` with a token of `beffroi token create` that is in force"
        return problem(request, status, "unauthorized", told)
    return problem(request, status, HTTPStatus(status).name.lower().replace("_", "-"), str(error.message))


def _missing(request: HttpRequest, _error: Any) -> HttpResponse:
    return problem(request, 404, "not-found", "there is nothing at this address; see /api/v1/openapi.json")


def _bad_request(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(request, 400, "bad-request", str(error) or "the request cannot be read")


def _no_database(request: HttpRequest, error: Any) -> HttpResponse:
    log.error("the database does not answer", path=request.path, error=str(error))
    return problem(request, 503, "unreachable", "the database does not answer; ask again in a few seconds")


def _unexpected(request: HttpRequest, error: Any) -> HttpResponse:
    log.error("a route failed", path=request.path, exc_info=error)
    return problem(request, 500, "error", "the post failed on this request; its log says why")


def no_route(request: HttpRequest, **_rest: Any) -> HttpResponse:
    """Answer every address under `/api` that is no route."""
    return _missing(request, None)


def as_problem(view: View) -> View:
    """Wrap a view so that what the framework itself refuses (a method, most often) is a problem too."""

    @wraps(view)
    def told(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except Http404:
            response = _missing(request, None)
        if response.status_code >= 400 and response.headers.get("Content-Type") != MEDIA_TYPE:
            allowed = response.headers.get("Allow")
            detail = f"allowed here: {allowed}" if allowed else HTTPStatus(response.status_code).phrase
            key = HTTPStatus(response.status_code).name.lower().replace("_", "-")
            response = problem(request, response.status_code, key, detail)
            if allowed:
                response["Allow"] = allowed
        response["Cache-Control"] = "no-store"
        return response

    told.csrf_exempt = True  # type: ignore[attr-defined]  # the door checks it where a cookie is what lets in
    return told
