"""Lines of the journal as sentences. What a verb means is written here once; an unknown verb is shown as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from beffroi.console import reasons, told_crews, words
from beffroi.foundation.clock import Instant, to_datetime
from beffroi.kernel.journal.types import Line, Personal, PersonalState, Words

SENTENCES: Mapping[str, object] = {
    "open_incident": _("A ouvert l’incident"),
    "acknowledge_incident": _("A acquitté l’incident"),
    "take_incident": _("A pris l’incident en charge"),
    "note_incident": _("A noté"),
    "close_incident": _("A clos l’incident"),
    "reopen_incident": _("A rouvert l’incident"),
    "attach_evidence": _("A joint une image"),
    "open_evidence": _("A ouvert une image"),
    "attach_signal": _("A rattaché un signalement"),
    "merge_incident": _("A réuni cet incident avec un autre"),
    "separate_incident": _("A séparé l’incident"),
    "split_incident": _("A détaché une partie dans un autre incident"),
    "carry_note": _("A repris une note"),
    "propose_link": _("Rapprochement proposé"),
    "reject_link": _("A écarté un rapprochement"),
    "publish_category": _("A mis en vigueur une catégorie"),
    "withdraw_category": _("A retiré une catégorie"),
    "publish_correlation": _("A mis en vigueur une règle de rapprochement"),
    "withdraw_correlation": _("A retiré une règle de rapprochement"),
    "qualify_incident": _("A qualifié l’incident"),
    "assign_incident": _("A affecté l’incident à"),
    "hold_incident": _("A mis en attente"),
    "resume_incident": _("Reprise de l’incident"),
    "declare_pause": _("A déclaré une suspension du délai"),
    "correct_pause": _("A corrigé une suspension du délai"),
    "mark_incident": _("A daté"),
    "correct_mark": _("A corrigé l’heure"),
    "miss_deadline": _("Délai dépassé"),
    "excuse_deadline": _("Délai tenu après correction"),
    "associate_desk": _("A associé la salle"),
    "dissociate_desk": _("A retiré la salle associée"),
    "propose_transfer": _("A proposé le transfert à"),
    "withdraw_transfer": _("A retiré la proposition de transfert"),
    "accept_transfer": _("Transfert accepté par"),
    "refuse_transfer": _("Transfert refusé"),
    "expire_transfer": _("Transfert resté sans réponse"),
    "publish_deadlines": _("A mis en vigueur les délais"),
    "publish_bodies": _("A mis en vigueur l’annuaire des organismes"),
    "revive_incident": _("L’alarme est revenue : l’incident reprend"),
    "resolve_incident": _("Tout est revenu à la normale"),
    "attach_alarm": _("Une alarme s’est jointe"),
    "note_alarm": _("L’alarme est revenue"),
    "note_return": _("Une alarme est revenue à la normale"),
    "ask_command": _("A commandé"),
    "ask_undoing": _("Retour demandé"),
    "authorise_command": _("A autorisé la commande"),
    "deny_command": _("A refusé d’autoriser la commande"),
    "cancel_command": _("A annulé la commande"),
    "send_command": _("Commande envoyée"),
    "begin_sending": _("Envoi des commandes commencé"),
    "finish_sending": _("Toutes les commandes ont abouti ou échoué"),
    "keep_back_command": _("Commande non partie, gardée pour un nouvel essai"),
    "acknowledge_command": _("L’équipement a pris la commande"),
    "refuse_command": _("L’équipement refuse la commande"),
    "prove_command": _("Commande effective, constatée par une mesure"),
    "expire_command": _("Commande restée sans réponse"),
    "hear_late": _("Réponse de l’équipement après le délai"),
    "revert_command": _("La commande est défaite"),
    "publish_ability": _("A mis en vigueur une commande possible"),
    "withdraw_ability": _("A retiré une commande possible"),
    "raise_alarm": _("Alarme"),
    "release_alarm": _("Alarme, que rien n’explique plus"),
    "return_alarm": _("Retour à la normale"),
    "suppress_alarms": _("Alarmes expliquées par celle-ci"),
    "expect_alarms": _("Alarmes que cette commande explique"),
    "end_expected_alarms": _("Fin d’alarmes que cette commande expliquait"),
    "acknowledge_alarm": _("A acquitté l’alarme"),
    "record_alarm": _("Alarme enregistrée, sans appeler personne"),
    "record_return": _("Retour à la normale, sans appeler personne"),
    "reset_alarm": _("A réarmé l’alarme"),
    "re_alarm": _("Alarme acquittée et toujours là : redite"),
    "escalate_alarm": _("Personne n’a acquitté à temps"),
    "shelve_alarm": _("A mis l’alarme de côté"),
    "unshelve_alarm": _("A remis l’alarme devant la salle"),
    "end_shelving": _("Fin de la mise de côté : l’alarme est toujours là"),
    "close_shelving": _("Fin de la mise de côté : plus rien à dire"),
    "take_out_of_service": _("A mis hors service"),
    "put_back_in_service": _("A remis en service"),
    "restore_alarm": _("Alarme, l’équipement est de nouveau en service"),
    "keep_aside": _("L’alarme reste de côté"),
    "remind_out_of_service": _("Hors service plus longtemps que prévu"),
    "set_priority": _("A réglé les délais d’une priorité"),
    "end_suppressed_alarms": _("Fin d’alarmes que celle-ci expliquait"),
    "acknowledge_group": _("A acquitté un groupe"),
    "open_flood": _("Avalanche d’alarmes au poste"),
    "close_flood": _("Fin de l’avalanche d’alarmes au poste"),
    "begin_chatter": _("Alarme bavarde : trois fois en une minute"),
    "end_chatter": _("L’alarme n’est plus bavarde"),
    "mark_stale": _("Alarme debout depuis plus d’un jour"),
    "draft_definition": _("A écrit une modification d’une définition d’alarme"),
    "propose_definition": _("A proposé une définition d’alarme"),
    "propose_withdrawal": _("A proposé le retrait d’une définition d’alarme"),
    "refuse_definition": _("A refusé une définition d’alarme"),
    "drop_definition": _("A repris sa modification d’une définition d’alarme"),
    "replay_definition": _("A simulé une modification d’une définition d’alarme"),
    "publish_definition": _("A mis en vigueur une définition d’alarme"),
    "withdraw_definition": _("A retiré une définition d’alarme"),
    "start_procedure": _("A lancé la procédure"),
    "confirm_step": _("Étape faite"),
    "answer_step": _("Réponse donnée"),
    "tick_step": _("Point coché"),
    "skip_step": _("Étape sautée"),
    "add_step": _("A ajouté une étape"),
    "reapply_procedure": _("A repris dans la procédure"),
    "stop_procedure": _("Procédure arrêtée"),
    "send_step": _("A envoyé la commande de l’étape"),
    "engage_step": _("A engagé pour l’étape"),
    "prove_step": _("Étape prouvée"),
    "fail_step": _("Étape manquée"),
    "leave_address": _("A noté où écrire à qui l’a signalé"),
    "forget_address": _("A effacé où écrire à qui l’a signalé"),
    "answer_teller": _("Réponse écrite à"),
    "send_letter": _("Courriel parti pour"),
    "doubt_letter": _("Courriel peut-être parti pour"),
    "give_letter_up": _("Courriel abandonné pour"),
    "send_letter_again": _("A fait repartir le courriel pour"),
    "end_procedure": _("Procédure terminée"),
    "end_wait": _("Fin de l’attente"),
    "miss_step": _("Étape en retard"),
    "escalate_step": _("Retard signalé à"),
    "tell_step": _("Message de la procédure à"),
    "acknowledge_message": _("A vu le message"),
    "draft_procedure": _("A écrit une modification d’une procédure"),
    "propose_procedure": _("A proposé une procédure"),
    "propose_procedure_withdrawal": _("A proposé le retrait d’une procédure"),
    "refuse_procedure": _("A refusé une procédure"),
    "drop_procedure": _("A repris sa modification d’une procédure"),
    "publish_procedure": _("A mis en vigueur une procédure"),
    "withdraw_procedure": _("A retiré une procédure"),
    "declare_source": _("A déclaré une source"),
    "configure_source": _("A réglé une source"),
    "add_gateway": _("A admis une passerelle"),
    "revoke_gateway": _("A retiré une passerelle"),
    "import_assets": _("A importé des équipements"),
    "import_relations": _("A importé des liens entre équipements"),
    "import_communes": _("A importé des communes"),
    "import_streets": _("A importé des rues"),
    "import_addresses": _("A importé des adresses"),
    "close_street": _("A fermé une rue"),
    "reopen_street": _("A rouvert une rue"),
    "prolong_closure": _("A changé la fin d’une fermeture de rue"),
    "begin_closure": _("Début d’une fermeture de rue"),
    "end_closure": _("Fin d’une fermeture de rue"),
    "sign_in": _("S’est connecté"),
    "sign_out": _("A quitté son poste"),
    "fail_sign_in": _("Connexion refusée"),
    "create_person": _("A ouvert un compte"),
    "open_account": _("A remis un compte en service"),
    "close_account": _("A mis un compte hors service"),
    "grant_clearance": _("A donné une habilitation"),
    "publish_post": _("A défini un poste de la salle"),
    "withdraw_post": _("A retiré un poste de la salle"),
    "sit_at_post": _("S’est installé au poste"),
    "publish_shifts": _("A réglé les heures des équipes"),
    "begin_duty": _("A pris son poste"),
    "end_duty": _("A quitté son service"),
    "hand_over_shift": _("A signé la relève en partant"),
    "take_over_shift": _("A signé la relève en arrivant"),
    "withdraw_handover": _("A repris sa relève"),
    "write_instruction": _("A laissé une consigne"),
    "end_instruction": _("Fin d’une consigne"),
    "forget_post": _("A fait oublier un poste au bus"),
    "create_token": _("A créé un jeton"),
    "revoke_token": _("A retiré un jeton"),
    "ask_erasure": _("A demandé un effacement"),
    "erase_personal": _("A effacé ce qui concernait"),
    "withdraw_erasure": _("A retiré une demande d’effacement"),
    "rotate_master_key": _("A changé la clé maîtresse"),
    "correct_line": _("A corrigé une ligne"),
    "open_vault_line": _("A ouvert une ligne réservée"),
    "export_lines": _("A exporté des lignes"),
    "adopt_restored": _("A accepté une main courante restaurée"),
    **told_crews.SENTENCES,
}


TITLED = frozenset({"alarms", "people"})
"""Rooms whose lines name by its title what they are about."""

ATTACHED = "attach_evidence"
"""The verb whose lines tell a picture."""

LINKS = frozenset({"merge_incident", "separate_incident", "split_incident", "propose_link", "reject_link"})
"""Verbs whose lines name another incident."""

COUNTED = frozenset({"suppress_alarms", "end_suppressed_alarms", "expect_alarms", "end_expected_alarms"})
"""Verbs whose lines say how many, batch after batch."""


@dataclass(frozen=True, slots=True)
class ToldLine:
    """A line ready to be read."""

    seq: int
    effective_at: Instant
    who: str
    text: str
    subject: str
    url: str
    note: str = ""
    """What stands instead of a part that is not shown: erased when and why, or reserved."""

    about: str = ""
    """The line's subject, as the journal names it."""

    corrects: int = 0
    """The line that this one corrects; 0: none."""

    corrections: tuple[ToldLine, ...] = ()
    """What corrects this line, the oldest first, shown with it."""

    mine: bool = False
    """Whoever looks wrote it as a note, and may correct it."""

    picture: str = ""
    """The picture that it attached."""


def tell(line: Line) -> ToldLine:
    """Return a line as a sentence in the language in force."""
    content = line.content
    named = content.get("reference") or content.get("asset_name") or _asset(line) or _street(line)
    subject = str(named or line.subject)
    url = subject_url(line)
    corrects = int(line.content.get("corrects", 0))
    text, note = _sentence(line), _not_shown(line)
    told = ToldLine(
        line.seq, line.effective_at, line.actor.name, text, subject, url, note, about=line.subject, corrects=corrects
    )
    return replace(told, picture=str(line.content["evidence"])) if line.verb == ATTACHED else told


def tell_with(lines: Sequence[Line], corrections: Mapping[int, Sequence[Line]]) -> list[ToldLine]:
    """Return lines as sentences, each with what corrects it."""
    return [
        replace(tell(line), corrections=tuple(_correction(each) for each in corrections.get(line.seq, ())))
        for line in lines
    ]


def _correction(line: Line) -> ToldLine:
    """Return a correction as it stands under what it corrects: what should have been read first, then why."""
    text = str(line.personal.content.get("text", "")) if line.personal else ""
    if not text:
        return tell(line)
    return replace(tell(line), text=gettext("%(text)s (motif : %(reason)s)") % {"text": text, "reason": line.reason})


def tell_together(lines: Sequence[Line], *, reader: str = "") -> list[ToldLine]:
    """Return lines as sentences, one for a run of lines that only count on: forty lamps that go dark are told once.

    The run is told at the instant of its latest line, with the sum of its counts; the journal's page shows each line. What
    corrects a line stands under it. `reader` is the account of who looks, whose own notes can be corrected.
    """
    runs: list[Line] = []
    for line in lines:
        last = runs[-1] if runs else None
        if last is not None and line.verb in COUNTED and (last.verb, last.subject) == (line.verb, line.subject):
            count = int(last.content.get("count", 0)) + int(line.content.get("count", 0))
            runs[-1] = replace(last, content={**last.content, "count": count})
        else:
            runs.append(line)
    first = {line.seq for line in runs}
    corrections: dict[int, list[Line]] = {}
    for line in reversed(runs):
        if line.content.get("corrects") in first:
            corrections.setdefault(int(line.content["corrects"]), []).append(line)
    inner = {line.seq for each in corrections.values() for line in each}
    shown = [line for line in runs if line.seq not in inner]
    mine = {line.seq for line in shown if reader and line.verb == "note_incident" and line.actor.id == reader}
    return [replace(line, mine=line.seq in mine) for line in tell_with(shown, corrections)]


def _sentence(line: Line) -> str:
    content = line.content
    known = SENTENCES.get(line.verb)
    parts = [str(known) if known else line.verb.replace("_", " ")]
    title = content.get("title")
    if title and (line.room in TITLED or line.verb == "acknowledge_group") and title != line.actor.name:
        parts.append(str(title))
    quantity, value = content.get("quantity"), content.get("value")
    if isinstance(quantity, str) and isinstance(value, int | float):
        label = words.told(words.QUANTITIES, quantity) if quantity in words.QUANTITIES else ""
        parts.append(f"{label} {words.value_words(quantity, float(value))}".strip())
    if isinstance(content.get("clock"), str):
        parts.append(words.told(words.CLOCKS, str(content["clock"])))
    if line.verb in (ATTACHED, "open_evidence"):
        parts.append(words.told(words.EVIDENCE_KINDS, str(content.get("kind", ""))))
    if line.room == "procedures":
        parts += [str(content[key]) for key in ("step_title", "label") if content.get(key)] or [str(title or line.verb)]
    named = content.get("to_name") or content.get("desk_name")
    if named and line.room in ("incidents", "procedures"):
        parts.append(str(named))
    if line.room == "commands":
        asked = (content.get("label"), content.get("asset_name") or content.get("asset"))
        parts += [str(each) for each in asked if each and each != line.actor.name]
    if line.room == "dispatch":
        parts += told_crews.parts_of(line)
    if line.room == "places" and isinstance(content.get("until"), int):
        until = date_format(timezone.localtime(to_datetime(int(content["until"]))), "j b H:i")
        parts.append(gettext("jusqu’au %(until)s") % {"until": until})
    if content.get("count"):
        parts.append(str(content["count"]))
    if line.reason:
        of_equipment = line.room == "commands"
        parts.append(reasons.said(line.reason) if of_equipment else words.told(words.REASONS, line.reason))
    personal = line.personal.content if line.personal else {}
    written = {**content, **personal}
    if personal.get("reason"):
        parts.append(str(personal["reason"]))
    parts += [str(content[key]) for key in ("into", "from", "with") if line.verb in LINKS and content.get(key)]
    parts += [str(written[key]) for key in ("text", "comment", "proof") if written.get(key)]
    return gettext(" : ").join([parts[0], ", ".join(parts[1:])]) if len(parts) > 1 else parts[0]


def _not_shown(line: Line) -> str:
    if line.withheld:
        return gettext("contenu réservé")
    return why_not_shown(line.personal) if line.personal else ""


def why_not_shown(part: Personal | Words) -> str:
    """Return what stands instead of a text about persons that is not shown; nothing for one that is."""
    if part.state is PersonalState.READABLE:
        return ""
    if part.state is PersonalState.ERASED and part.erased_at is not None:
        day = date_format(timezone.localtime(to_datetime(part.erased_at)), "j F Y")
        return gettext("effacé le %(day)s, motif : %(reason)s") % {"day": day, "reason": part.erased_reason}
    if part.state is PersonalState.WITHHELD:
        return gettext("contenu personnel réservé")
    return gettext("contenu personnel illisible : sa clé manque sur ce poste")


def subject_url(line: Line) -> str:
    """Return the page of a line's subject, or of the equipment it concerns; nothing when there is none."""
    kind, _sep, name = line.subject.partition(":")
    if kind in ("closure", "instruction"):
        return reverse("console:closures" if kind == "closure" else "console:handover")
    if kind == "handover":
        return reverse("console:handover_record", args=[int(name)])
    if kind in ("definition", "procedure"):
        return reverse(f"console:{kind}", args=[name])
    if kind == "evidence":
        return reverse("console:incident_evidence", args=[str(line.content.get("reference", "")), name])
    if kind in ("incident", "run"):
        return reverse("console:incident", args=[str(line.content.get("reference") or name)])
    asset = _asset(line)
    return reverse("console:asset", args=[asset]) if asset else ""


def _street(line: Line) -> str:
    """Return the street that a closure's line is about; nothing for another line."""
    named = (line.content.get("street"), line.content.get("commune")) if line.room == "places" else ()
    return ", ".join(str(name) for name in named if name)


def _asset(line: Line) -> str:
    """Return the code of the equipment that a line is about or relates to; nothing when there is none."""
    named = (subject.partition(":") for subject in (line.subject, *line.related))
    return next((name for kind, _sep, name in named if kind == "asset"), "")
