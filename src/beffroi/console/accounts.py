"""Signing in and out, and a person's preferences."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from beffroi.console import words
from beffroi.console.build import build
from beffroi.console.door import refusal, refusal_words
from beffroi.console.surround import PALETTES, home, surround
from beffroi.foundation import clock
from beffroi.foundation.errors import BeffroiError
from beffroi.kernel.people import actions, queries
from beffroi.kernel.people.types import Viewer

_BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for an account and its password. Refusals tell neither which of the two was wrong nor whether it exists."""
    following = request.POST.get("next") or request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(following, {request.get_host()}, request.is_secure()):
        following = ""
    known = queries.viewer_of(request.user)
    if request.method == "GET" and not known.is_anonymous:
        return HttpResponseRedirect(following or home(known))
    with translation.override(settings.LANGUAGE_CODE):
        context = {
            "language": settings.LANGUAGE_CODE,
            "palette": "night",
            "build": build(),
            "at": clock.now(),
            "next": following,
            "username": request.POST.get("username", ""),
            "words": words.for_scripts(),
        }
        if request.method == "POST":
            try:
                username, password = request.POST.get("username", ""), request.POST.get("password", "")
                person = actions.sign_in(username, password, at=clock.now())
            except BeffroiError as error:
                return render(
                    request, "console/login.html", context | {"refusal": refusal_words(error)}, status=error.status
                )
            login(request, person, backend=_BACKEND)  # type: ignore[arg-type]  # the model stays in its room
            return HttpResponseRedirect(following or home(queries.viewer_of(person)))
        return render(request, "console/login.html", context)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session; the journal says who left the post."""
    viewer = queries.viewer_of(request.user)
    if not viewer.is_anonymous:
        actions.sign_out(viewer.username, at=clock.now())
    logout(request)
    return HttpResponseRedirect(reverse("console:login"))


@never_cache
@require_http_methods(["GET", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Show and change a person's language, palette, shortcuts and post. Everyone who has signed in may, for themselves."""
    viewer = queries.viewer_of(request.user)
    if viewer.is_anonymous:
        return HttpResponseRedirect(reverse("console:login"))
    translation.activate(viewer.language)
    if request.method == "POST":
        try:
            _change(request, viewer)
        except BeffroiError as error:
            return refusal(request, viewer, error)
        translation.activate(queries.viewer_named(viewer.username).language)
        messages.success(request, _("Préférences enregistrées."))
        return HttpResponseRedirect(reverse("console:preferences"))
    roles = ", ".join(words.told(words.ROLES, str(role)) for role in viewer.roles)
    context = surround(request, viewer) | {
        "languages": settings.LANGUAGES,
        "palettes": PALETTES,
        "priorities": (1, 2, 3, 4),
        "roles": roles,
        "posts": queries.posts(),
    }
    return render(request, "console/preferences.html", context)


def _change(request: HttpRequest, viewer: Viewer) -> None:
    """Keep what the form says; what cannot be chosen stays as it was, but for a post that does not exist: NotFound."""
    if request.POST.get("post", viewer.post.code) != viewer.post.code:
        actions.sit_at(viewer.username, request.POST["post"], at=clock.now())
    language, palette = request.POST.get("language", ""), request.POST.get("palette", "")
    actions.set_preferences(
        viewer.username,
        language=language if language in dict(settings.LANGUAGES) else viewer.language,
        palette=palette if palette in dict(PALETTES) else viewer.palette,
        single_key_shortcuts="shortcuts" in request.POST,
    )
