"""How a page is entered: who looks, whether the one door lets them, in their language; and how a refusal is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from beffroi.console.surround import surround
from beffroi.foundation.errors import BeffroiError, Forbidden
from beffroi.kernel.people import queries as people
from beffroi.kernel.people.types import Kind, Verb, Viewer

P = ParamSpec("P")
Inside = Callable[Concatenate[HttpRequest, Viewer, P], HttpResponse]
Outside = Callable[Concatenate[HttpRequest, P], HttpResponse]
LOGIN = "/login"

REFUSALS: Mapping[str, object] = {
    "address-wrong": _("Écrivez une adresse de courriel, comme nom@exemple.fr."),
    "consent-missing": _(
        "Demandez à la personne si son adresse peut être gardée pour lui répondre, puis cochez la case."
    ),
    "forbidden": _("Vous n’avez pas ce droit ici. Le chef de salle peut le donner."),
    "not-found": _("Cela n’existe pas, ou vous ne pouvez pas le savoir."),
    "conflict": _("Quelqu’un a agi avant vous. Regardez à nouveau avant d’agir."),
    "refused": _("Cela a été compris, et refusé."),
    "malformed": _("Ce qui a été envoyé ne peut pas être lu."),
    "unreachable": _("Une partie du poste ne répond pas. Elle est réessayée sans que vous ayez à le demander."),
    "reason-missing": _("Choisissez le motif de clôture."),
    "comment-missing": _("Une alarme de cet incident est toujours là : écrivez pourquoi vous le fermez."),
    "alarm-stands": _(
        "Une alarme de cet incident est toujours là : attendez son retour à la normale, ou choisissez « Fausse alarme » "
        "ou « Sans suite » avec une précision."
    ),
    "category-unknown": _("Choisissez de quoi il s’agit."),
    "place-missing": _("Choisissez le lieu : tapez une adresse ou le code d’un équipement, puis Entrée."),
    "asset-unknown": _("Cet équipement n’est pas dans l’inventaire."),
    "channel-unknown": _("Choisissez comment cela a été signalé."),
    "key-reused": _("Cet envoi a déjà ouvert un incident : rouvrez le formulaire pour en signaler un autre."),
    "same-incident": _("Un incident ne se réunit pas avec lui-même : nommez-en un autre."),
    "other-missing": _("Écrivez la référence de l’autre incident."),
    "nothing-chosen": _("Cochez ce qui n’a pas sa place dans cet incident."),
    "nothing-left": _("Tout partirait : laissez au moins une chose dans cet incident."),
    "already-united": _("Cet incident est un doublon : agissez sur celui qui continue, ou séparez-le d’abord."),
    "handover-waits": _("Une relève de ce poste attend déjà sa seconde signature."),
    "handover-two": _("Une relève se signe à deux : la seconde signature est celle de qui arrive."),
    "handover-post": _("Installez-vous d’abord à ce poste, dans vos préférences : c’est sa relève."),
    "handover-not-yours": _("Seul qui a signé une relève peut la reprendre."),
    "handover-closed": _("Cette relève est déjà contresignée."),
    "handover-withdrawn": _("Cette relève a été reprise par qui l’avait signée."),
    "instruction-kind": _("Choisissez consigne ou promesse."),
    "instruction-ended": _("Cette consigne est déjà terminée."),
    "due-missing": _("Dites pour quand c’est promis."),
    "due-past": _("Cette date est passée : donnez-en une à venir."),
    "due-far": _("Quatre-vingt-dix jours au plus : redites-la alors."),
    "due-unreadable": _("Écrivez la date et l’heure, par exemple 2026-11-26 08:30."),
    "transfer-instead": _("À qui est-ce ? Proposez le transfert à la salle ou à l’organisme compétent (touche V)."),
    "unite-instead": _("Doublon duquel ? Choisissez l’autre incident ou écrivez sa référence."),
    "body-unknown": _("Choisissez la salle ou l’organisme."),
    "person-missing": _("Choisissez à qui l’affecter."),
    "words-missing": _("Écrivez pourquoi."),
    "hold-date": _("Choisissez quand il revient : une date à venir, dans l’année."),
    "already-marked": _("C’est déjà daté : corrigez l’heure, avec le motif."),
    "not-marked": _("Cette étape n’a pas encore d’heure."),
    "clock-unknown": _("Choisissez l’étape à dater."),
    "time-unread": _("Écrivez l’heure comme 22:15."),
    "time-ahead": _("Cette heure n’est pas encore venue, ou ne convient pas : écrivez quand cela s’est passé."),
    "time-before": _("C’est avant la réception de l’incident : corrigez l’une ou l’autre heure."),
    "time-after": _("Une étape a déjà une heure plus ancienne : corrigez-la d’abord."),
    "time-order": _("Une équipe n’est pas sur place avant d’être engagée : corrigez l’une ou l’autre heure."),
    "pause-backwards": _("La suspension finit avant de commencer."),
    "pause-end": _("Écrivez quand la suspension a pris fin."),
    "same-desk": _("Il est déjà à cette salle : choisissez-en une autre."),
    "not-a-desk": _("Cet organisme n’est pas une salle du poste : proposez-lui le transfert."),
    "outside-answer": _("Écrivez qui a dit oui là-bas, et quand."),
    "inside-answer": _("Cette salle accepte dans sa propre console."),
    "cannot-take": _("Cette personne n’a pas le droit de prendre un incident de cette salle ici."),
    "crew-missing": _("Choisissez l’équipage à engager."),
    "outcome-missing": _("Choisissez comment la mission finit."),
    "not-there": _("L’équipage n’est pas encore sur place : dites d’abord qu’il y est, ou que ce n’est pas fait."),
    "not-answered": _("Personne n’a encore répondu : répondez d’abord, et parlez à l’équipage."),
    "priority-unknown": _("Choisissez une priorité de 1 à 4."),
    "end-missing": _("Dites jusqu’à quand."),
    "end-too-soon": _("La fin est trop proche : une minute au moins."),
    "end-too-late": _("C’est trop long : la priorité de cette alarme, ou la règle de la ville, ne le permet pas."),
    "duration-missing": _("Choisissez pendant combien de temps."),
    "what-missing": _("Nommez un équipement, ou une source."),
    "reason-too-long": _("Le motif est trop long : 500 caractères au plus."),
    "picture-missing": _("Choisissez une image."),
    "picture-too-large": _("L’image est trop grande : 20 Mo et 64 millions de points au plus."),
    "picture-unknown": _("Ce n’est pas une image qui puisse être gardée : envoyez un JPEG, un PNG ou un WebP."),
    "picture-unread": _("L’image ne peut pas être lue en entier : prenez-la ou envoyez-la de nouveau."),
    "picture-too-many": _("Cet incident a déjà 200 images."),
    "picture-erased": _("Cette image a été effacée."),
    "picture-keyless": _("Cette image ne s’ouvre pas : sa clé manque sur ce poste."),
    "kind-unknown": _("Dites ce que l’image montre : avant, après, ou autre chose."),
    "text-missing": _("Écrivez d’abord le texte."),
    "text-too-long": _("Le texte est trop long : 2 000 caractères au plus."),
    "own-change": _("Vous avez écrit cette modification : une autre personne décide."),
    "why-missing": _("Dites pourquoi : la seconde personne le lit."),
    "definition-unchanged": _("Rien ne diffère de la version en vigueur : changez quelque chose, ou laissez."),
    "definition-test-failed": _("Un essai échoue : corrigez la règle ou l’essai, puis proposez de nouveau."),
    "definition-wrong": _("La définition ne va pas avec les autres : voyez ce qui l’explique, et ce qu’elle explique."),
    "definition-leaned-on": _("D’autres définitions sont expliquées par celle-ci : modifiez-les d’abord."),
    "definition-outdated": _("La version en vigueur a changé depuis : écrivez la modification de nouveau."),
    "procedure-unchanged": _("Rien ne diffère de la version en vigueur : changez quelque chose, ou laissez."),
    "procedure-test-failed": _("Un essai échoue : corrigez la fiche ou l’essai, puis proposez de nouveau."),
    "procedure-outdated": _("La version en vigueur a changé depuis : écrivez la modification de nouveau."),
    "procedure-called": _("D’autres fiches appellent celle-ci : modifiez-les d’abord."),
    "library-wrong": _(
        "La fiche ne va pas avec les autres : elle en appelle une qui n’existe pas, ou s’appelle elle-même."
    ),
    "procedure-wrong": _(
        "Cette fiche ne peut pas être lue : ouvrez-la, ce qui est à corriger est dit ligne par ligne."
    ),
    "change-open": _(
        "Quelqu’un a déjà une modification ouverte sur ce qui est à changer : décidez d’abord de celle-là."
    ),
    "change-closed": _("On a déjà décidé de cette modification."),
    "days-out-of-bounds": _("Choisissez un nombre de jours de 1 à 14."),
    "replay-too-long": _("L’historique est trop long à lire : choisissez moins de jours."),
    "not-proposed": _("Cette modification n’est pas encore proposée."),
    "already-proposed": _("Cette modification est déjà proposée : elle attend une seconde personne."),
    "closure-street": _("Choisissez d’abord la rue."),
    "closure-large": _("C’est trop de tronçons pour une seule fermeture : faites-en deux."),
    "closure-past": _("Une fermeture commence maintenant ou plus tard : ce qui précède se dit par une note."),
    "closure-far": _("C’est trop loin : quatre cents jours au plus."),
    "closure-end": _("La fin vient après le début, et n’est pas passée."),
    "closure-long": _("Une fermeture dure quatre cents jours au plus : refaites-la alors."),
    "evidence-missing": _("Écrivez ce qui a été vu : c’est la preuve de l’étape."),
    "nothing-aimed-at": _("L’incident n’a pas cet équipement, et aucun n’est proche : sautez l’étape avec son motif."),
    "procedure-missing": _("Choisissez la procédure."),
    "apply-missing": _("Choisissez ce qui est à reprendre."),
    "not-reached": _("Cette étape n’est pas encore atteinte : ce qui la précède n’est pas fini."),
    "run-over": _("Cette procédure est finie ou arrêtée."),
    "runs-already": _("Cette procédure est déjà en cours sur cet incident."),
    "letter-goes-on": _("Ce courriel est parti, ou va partir."),
    "too-many-lanes": _("Vingt étapes ont déjà été ajoutées : lancez une autre procédure."),
    "wrong-credentials": _("Le compte ou le mot de passe n’est pas le bon."),
    "too-many-attempts": _("Trop d’essais manqués sur ce compte : attendez une demi-minute."),
}


def page(verb: Verb | None = None, kind: Kind | None = None) -> Callable[[Inside[P]], Outside[P]]:
    """Let a view be reached by those who may do this verb on this kind of thing, and by nobody else.

    Without a verb: by everyone who has signed in, for what says nothing of the city or of anybody.
    Who has not signed in is sent to the door; what the view refuses is told on a page, or as problem details to who
    asks for JSON.
    """

    def guard(view: Inside[P]) -> Outside[P]:
        @wraps(view)
        def entered(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            viewer = people.viewer_of(request.user)
            if viewer.is_anonymous:
                return _to_sign_in(request)
            translation.activate(viewer.language)
            try:
                if verb is not None and kind is not None:
                    people.require(viewer, verb, kind)
                return view(request, viewer, *args, **kwargs)
            except BeffroiError as error:
                return refusal(request, viewer, error)

        entered.asks = (verb, kind)  # type: ignore[attr-defined]  # read by the test that walks every route
        return entered

    return guard


def wants_json(request: HttpRequest) -> bool:
    """Tell whether it is a script that asks."""
    return "application/json" in request.headers.get("Accept", "")


def refusal_words(error: BeffroiError) -> str:
    """Return what a person is told of an error, in the language in force: its meaning, not its details."""
    return str(REFUSALS.get(error.key, error.reason))


def refusal(request: HttpRequest, viewer: Viewer, error: BeffroiError) -> HttpResponse:
    """Return a refusal as the asker reads it: RFC 9457 problem details, or a page with a way back."""
    title = refusal_words(error)
    if wants_json(request):
        problem = {"type": f"urn:beffroi:{error.key}", "title": title, "status": error.status, "detail": title}
        return JsonResponse(
            problem | {"reason": error.reason}, status=error.status, content_type="application/problem+json"
        )
    context = surround(request, viewer) | {"title": title, "reason": error.reason}
    return render(request, "console/refusal.html", context, status=error.status)


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    if wants_json(request):
        error = Forbidden("sign in first")
        problem = {"type": "urn:beffroi:sign-in", "title": str(_("Connectez-vous.")), "status": 401}
        return JsonResponse(problem | {"reason": error.reason}, status=401, content_type="application/problem+json")
    following = {"next": request.get_full_path()} if request.method == "GET" and request.path != "/" else {}
    return HttpResponseRedirect(f"{LOGIN}?{urlencode(following)}" if following else LOGIN)
