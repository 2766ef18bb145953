"""The reasons of connectors in the words of who reads them: why a frame is put aside, why a command did not leave.

A connector says its reason as an English sentence with its figures in it, which is what the store, the API and support keep.
The sentence is recognised here by its fixed words, and said again in the person's language with the same figures. What is
not known (the word of a piece of equipment, a library's) stays as it was said. `tests/console/test_reasons.py` compares this
list with what the connectors raise, so that none is forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from beffroi.console import words

MOST_DEEP = 4
"""A reason may hold another, which may hold another."""

REASONS: Mapping[str, object] = {
    # Modbus
    "its answers are of other transactions or units than what was asked": _(
        "ses réponses sont d’autres transactions ou unités que celles demandées"
    ),
    "device {0} is not of this source any more": _("l’appareil {0} n’est plus de cette source"),
    "device {0} is not of this source": _("l’appareil {0} n’est pas de cette source"),
    "{0}:{1}, unit {2}: {3} within {4} s": _("{0}:{1}, unité {2} : {3} en {4} s"),
    "no answer": _("pas de réponse"),
    "no connection": _("pas de connexion"),
    "{0}:{1}, unit {2}: {3} {4}": _("{0}:{1}, unité {2} : {3} {4}"),
    "{0}:{1}, unit {2}: exception {3}, {4}": _("{0}:{1}, unité {2} : exception {3}, {4}"),
    "{0}:{1}, unit {2} does not answer as Modbus: {3}": _("{0}:{1}, unité {2} ne répond pas en Modbus : {3}"),
    "after {0} of {1} writes: {2}": _("après {0} écritures sur {1} : {2}"),
    "none of the {0} devices answers: {1}": _("aucun des {0} appareils ne répond : {1}"),
    "asked to read {0}, the device answers with exception {1}, {2}": _(
        "prié de lire {0}, l’appareil répond par l’exception {1}, {2}"
    ),
    "asked to write {0}, the device answers with exception {1}, {2}": _(
        "prié d’écrire {0}, l’appareil répond par l’exception {1}, {2}"
    ),
    "coil {0}": _("la bobine {0}"),
    "coil {0} to {1}": _("les bobines {0} à {1}"),
    "discrete_input {0}": _("l’entrée tout ou rien {0}"),
    "discrete_input {0} to {1}": _("les entrées tout ou rien {0} à {1}"),
    "holding_register {0}": _("le registre {0}"),
    "holding_register {0} to {1}": _("les registres {0} à {1}"),
    "input_register {0}": _("le registre d’entrée {0}"),
    "input_register {0} to {1}": _("les registres d’entrée {0} à {1}"),
    "illegal function": _("fonction inconnue de l’appareil"),
    "illegal data address": _("adresse inconnue de l’appareil"),
    "illegal data value": _("valeur refusée"),
    "server device failure": _("défaut de l’appareil"),
    "acknowledge": _("prise en compte, encore en cours"),
    "server device busy": _("appareil occupé"),
    "memory parity error": _("erreur de parité de sa mémoire"),
    "gateway path unavailable": _("chemin de la passerelle indisponible"),
    "gateway target device failed to respond": _("l’appareil derrière la passerelle n’a pas répondu"),
    "an exception that the specification does not know": _("une exception que la norme ne connaît pas"),
    "device {0} is not among the `devices` of the source {1}": _(
        "l’appareil {0} n’est pas dans les « devices » de la source {1}"
    ),
    "no write is set for `{0}`: the model knows {1}": _(
        "aucune écriture n’est réglée pour « {0} » : le modèle connaît {1}"
    ),
    "{0} is {1}; expected a number": _("{0} vaut {1} ; un nombre est attendu"),
    "{0}: the answer is of another transaction or unit than what was asked": _(
        "{0} : la réponse est d’une autre transaction ou unité que celle demandée"
    ),
    "{0} is {1}, beyond {2} in size": _("{0} vaut {1}, plus de {2} en grandeur"),
    "{0} is {1}; the model says what {2} mean": _("{0} vaut {1} ; le modèle dit ce que veulent dire {2}"),
    "{0} is {1}; the device knows {2}": _("{0} vaut {1} ; l’appareil connaît {2}"),
    "protocol identifier is {0}; expected 0: this is not Modbus TCP": _(
        "identifiant de protocole {0} au lieu de 0 : ce n’est pas du Modbus TCP"
    ),
    "length is {0}; expected 2 to {1}": _("longueur {0} ; attendu de 2 à {1}"),
    "{0} bytes; a frame has {1} at least": _("{0} octets ; une trame en a au moins {1}"),
    "the frame has {0} bytes, its header says {1}": _("la trame a {0} octets, son en-tête dit {1}"),
    "a request of {0} bytes; expected 5 at least": _("une demande de {0} octets ; attendu au moins 5"),
    "{0} values from address {1} go beyond 65535": _("{0} valeurs à partir de l’adresse {1} dépassent 65535"),
    "a request of {0} bytes; expected {1}": _("une demande de {0} octets ; attendu {1}"),
    "{0} requests to {1} units; expected some, to one": _(
        "{0} demandes à {1} unités ; attendu quelques-unes, à une seule"
    ),
    "the answer has function {0}; expected {1}": _("la réponse a la fonction {0} ; attendu {1}"),
    "the device says back {0}, which is not what was written": _(
        "l’appareil répète {0}, qui n’est pas ce qui a été écrit"
    ),
    "{0} values; expected 1 to {1}": _("{0} valeurs ; attendu de 1 à {1}"),
    "{0} bytes of values, counted {1}; expected {2}": _("{0} octets de valeurs, comptés {1} ; attendu {2}"),
    "{0} {1} holds {2}, which is no number": _("{0} {1} contient {2}, qui n’est pas un nombre"),
    "not a poll: {0}": _("ce n’est pas une scrutation : {0}"),
    "not a poll: not UTF-8, {0}": _("ce n’est pas une scrutation : pas de l’UTF-8, {0}"),
    "function {0}; expected one of {1}": _("fonction {0} ; attendu l’une de {1}"),
    "a coil cannot hold {0}; expected 0 or 1": _("une bobine ne peut contenir {0} ; attendu 0 ou 1"),
    "a {0} cannot hold {1}: {2}": _("un {0} ne peut contenir {1} : {2}"),
    "a coil is written {0}; expected 0x0000 or 0xFF00": _("une bobine est écrite {0} ; attendu 0x0000 ou 0xFF00"),
    # GTFS-Realtime
    "the producer answers {0} {1}: check `url` and `headers`": _(
        "le producteur répond {0} {1} : vérifiez « url » et « headers »"
    ),
    "the producer answers {0} {1}": _("le producteur répond {0} {1}"),
    "the feed has moved (redirections are not followed): correct `url`": _(
        "le flux a changé d’adresse (les redirections ne sont pas suivies) : corrigez « url »"
    ),
    "the feed is encoded in {0}; expected gzip or nothing": _("le flux est codé en {0} ; attendu gzip ou rien"),
    "the feed's compression ends too early": _("la compression du flux s’arrête trop tôt"),
    "no whole answer within {0} s": _("pas de réponse entière en {0} s"),
    "the feed could not be fetched: {0} {1}": _("le flux n’a pas pu être lu : {0} {1}"),
    "the feed has more than {0} bytes (`max_bytes`)": _("le flux a plus de {0} octets (« max_bytes »)"),
    "the feed's compression cannot be read: {0}": _("la compression du flux ne se lit pas : {0}"),
    "{0} entities; expected {1} at most": _("{0} entités ; attendu {1} au plus"),
    "none of the {0} entities is a vehicle: alerts or trip updates, not positions": _(
        "aucune des {0} entités n’est un véhicule : des alertes ou des mises à jour de courses, pas des positions"
    ),
    "position {0}, {1} is not on Earth; expected degrees WGS 84": _(
        "la position {0}, {1} n’est pas sur Terre ; attendu des degrés WGS 84"
    ),
    "position 0, 0 is what a receiver without a fix says": _(
        "la position 0, 0 est ce que dit un récepteur sans repère"
    ),
    "vehicle {0} stands twice in the feed": _("le véhicule {0} est deux fois dans le flux"),
    "not a GTFS-Realtime feed: no header with gtfs_realtime_version": _(
        "ce n’est pas un flux GTFS-Realtime : pas d’en-tête avec gtfs_realtime_version"
    ),
    "FeedEntity has no id, which is required": _("FeedEntity n’a pas d’id, qui est obligatoire"),
    "Position lacks latitude or longitude, which are required": _(
        "Position n’a pas de latitude ou de longitude, obligatoires"
    ),
    "{0} is not UTF-8, which a string must be": _("{0} n’est pas de l’UTF-8, comme une chaîne doit l’être"),
    "not a GTFS-Realtime feed: {0}; the feed begins with {1}": _(
        "ce n’est pas un flux GTFS-Realtime : {0} ; le flux commence par {1}"
    ),
    # LoRaWAN (ChirpStack, The Things Stack)
    "application {0} is not of this source, which has {1}": _("l’application {0} n’est pas de cette source, qui a {1}"),
    "devEui is {0}, but the topic names {1}": _("devEui vaut {0}, mais le sujet MQTT nomme {1}"),
    "applicationId is {0}, but the topic names {1}": _("applicationId vaut {0}, mais le sujet MQTT nomme {1}"),
    "device_id is {0}, but the topic names {1}": _("device_id vaut {0}, mais le sujet MQTT nomme {1}"),
    "application_id is {0}, but the topic names {1}": _("application_id vaut {0}, mais le sujet MQTT nomme {1}"),
    "batteryLevel is {0}; expected 0 to 100": _("batteryLevel vaut {0} ; attendu de 0 à 100"),
    "no model is set for the device {0}: give `model`, or its entry in `models`": _(
        "aucun modèle n’est réglé pour le capteur {0} : donnez « model », ou son entrée dans « models »"
    ),
    "the model {0} has no payload for `{1}`; it has {2}": _("le modèle {0} n’a pas de message pour « {1} » ; il a {2}"),
    "which application the device {0} is of is not known: import its `application_id`": _(
        "l’application du capteur {0} n’est pas connue : importez son « application_id »"
    ),
    "the server has thrown the downlink away: {0}, {1}": _("le serveur a jeté le message descendant : {0}, {1}"),
    "topic is {0}; expected application/ID/device/DEVEUI/command/down": _(
        "le sujet MQTT est {0} ; attendu application/ID/device/DEVEUI/command/down"
    ),
    "not a ChirpStack v4 {0}: {1}": _("ce n’est pas un {0} de ChirpStack v4 : {1}"),
    "nested too deep": _("imbriqué trop profondément"),
    "not UTF-8, {0} at byte {1} of a text": _("pas de l’UTF-8, {0} à l’octet {1} d’un texte"),
    "not an uplink of The Things Stack v3: {0}": _("ce n’est pas un message montant de The Things Stack v3 : {0}"),
    "topic is {0}; expected {1}DEVICE/ followed by one of {2}": _(
        "le sujet MQTT est {0} ; attendu {1}DEVICE/ suivi de l’un de {2}"
    ),
    # MQTT JSON
    "{0} is {1}; expected one of {2}": _("{0} vaut {1} ; attendu l’un de {2}"),
    "{0} quantities; expected 1 to {1}": _("{0} grandeurs ; attendu de 1 à {1}"),
    "a command's number has 1 to {0} characters, a reason {1} at most": _(
        "le numéro d’une commande a de 1 à {0} caractères, un motif {1} au plus"
    ),
    "the address {0} cannot be written as a topic": _("l’adresse {0} ne peut s’écrire en sujet MQTT"),
    "{0} is no quantity; expected lower-case words and one of the units {1}": _(
        "{0} n’est pas une grandeur ; attendu des mots en minuscules et l’une des unités {1}"
    ),
    "{0} is no known state; known are {1}": _("{0} n’est pas un état connu ; connus : {1}"),
    "{0} is {1}; expected a number of {2} at most in size": _(
        "{0} vaut {1} ; attendu un nombre de {2} au plus en grandeur"
    ),
    "quality is {0}; expected one of {1}": _("la qualité est {0} ; attendu l’une de {1}"),
    "quality is {0}; expected a word": _("la qualité est {0} ; attendu un mot"),
    "observed_at is {0}; expected RFC 3339 text or milliseconds since 1970": _(
        "observed_at vaut {0} ; attendu un texte RFC 3339 ou des millisecondes depuis 1970"
    ),
    "observed_at is {0} milliseconds since 1970, beyond the year 9999": _(
        "observed_at vaut {0} millisecondes depuis 1970, après l’an 9999"
    ),
    "observed_at is {0}; expected RFC 3339 such as 2026-01-31T12:00:00Z": _(
        "observed_at vaut {0} ; attendu du RFC 3339 comme 2026-01-31T12:00:00Z"
    ),
    "topic is {0}; expected {1}ADDRESS": _("le sujet MQTT est {0} ; attendu {1}ADDRESS"),
    "not a flat JSON object of numbers, words and booleans: {0}": _(
        "ce n’est pas un objet JSON plat de nombres, de mots et de booléens : {0}"
    ),
    "not UTF-8: {0} at byte {1} of a text": _("pas de l’UTF-8 : {0} à l’octet {1} d’un texte"),
    "{0} stands twice; expected each name once": _("{0} est écrit deux fois ; attendu chaque nom une fois"),
    "observed_at is {0}; expected RFC 3339 with a zone: {1}": _(
        "observed_at vaut {0} ; attendu du RFC 3339 avec un fuseau : {1}"
    ),
    "not a command: {0}": _("ce n’est pas une commande : {0}"),
    "not an acknowledgement: {0}": _("ce n’est pas un acquittement : {0}"),
    # What all of them share
    "topic is {0}; expected frames/{1}": _("le sujet MQTT est {0} ; attendu frames/{1}"),
    "topic is {0}; expected {1}": _("le sujet MQTT est {0} ; attendu {1}"),
    "observed at {0}, received at {1}: {2}": _("observé à {0}, reçu à {1} : {2}"),
    "more than {0} s after its receipt: the sender's clock is ahead": _(
        "plus de {0} s après sa réception : l’horloge de l’émetteur avance"
    ),
    "more than {0} s before its receipt": _("plus de {0} s avant sa réception"),
    "address {0} has {1} characters; expected 1 to {2}, all printable": _(
        "l’adresse {0} a {1} caractères ; attendu de 1 à {2}, tous imprimables"
    ),
    "it names a quantity not met before, and {0} are known: correct the name at the source": _(
        "elle nomme une grandeur jamais vue, et {0} sont connues : corrigez le nom à la source"
    ),
    "no source reads this topic": _("aucune source ne lit ce sujet MQTT"),
    "the connector failed on it ({0}: {1}): this is a fault of ours, report it": _(
        "le connecteur a échoué dessus ({0} : {1}) : c’est une faute de notre part, signalez-la"
    ),
    "`{0}` belongs to source `{1}`, not to `{2}`": _("« {0} » est de la source « {1} », pas de « {2} »"),
    "no asset of source `{0}` has the address `{1}`: import it first": _(
        "aucun équipement de la source « {0} » n’a l’adresse « {1} » : importez-le d’abord"
    ),
    "no command `{0}` was sent to `{1}` over source `{2}`": _(
        "aucune commande « {0} » n’a été envoyée à « {1} » par la source « {2} »"
    ),
    "the payload is empty": _("le message est vide"),
    "the payload has {0} bytes; expected {1} at most": _("le message a {0} octets ; attendu {1} au plus"),
    "the connector has nothing to send for it": _("le connecteur n’a rien à envoyer pour elle"),
    "the field bus was not to be reached in time": _("le bus de terrain n’a pas pu être joint à temps"),
    "its turn did not come in time": _("son tour n’est pas venu à temps"),
    "the connector failed on it: {0}": _("le connecteur a échoué dessus : {0}"),
}
"""English, as connectors say it, to what people read; `{0}`, `{1}` … are its figures."""


def said(reason: str) -> str:
    """Return a reason in the language in force: of ours, of a connector, or as equipment said it."""
    if reason in words.COMMAND_ENDS:
        return words.told(words.COMMAND_ENDS, reason)
    return _said(reason, translation.get_language() or "fr")


@lru_cache(maxsize=4096)
def _said(reason: str, language: str) -> str:
    return _told(reason, MOST_DEEP)


def _told(reason: str, depth: int) -> str:
    known = _known(reason, depth)
    if known is not None:
        return known
    head, colon, tail = reason.partition(": ")
    known = _known(tail, depth) if colon and depth else None
    return reason if known is None else gettext(" : ").join((head, known))


def _known(reason: str, depth: int) -> str | None:
    """Return a sentence of the list with its figures, those that are reasons themselves said again; None for another."""
    for pattern, english in _patterns():
        if (found := pattern.fullmatch(reason)) is not None:
            figures = [_told(part, depth - 1) if depth else part for part in found.groups()]
            return str(REASONS[english]).format(*figures)
    return None


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return each sentence as a pattern, the one with the most fixed words first: a figure never swallows them."""
    ordered = sorted(REASONS, key=lambda english: -len(re.sub(r"{\d}", "", english)))
    return tuple((re.compile(_pattern(english), re.DOTALL), english) for english in ordered)


def _pattern(english: str) -> str:
    return "".join("(.+?)" if re.fullmatch(r"{\d}", part) else re.escape(part) for part in re.split(r"({\d})", english))
