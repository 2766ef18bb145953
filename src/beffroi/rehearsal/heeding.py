"""How simulated equipment takes commands from the wire: each once, none after its time, none while it does not listen."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from beffroi.connectors.mqtt_json import wire
from beffroi.foundation.clock import Clock, from_datetime
from beffroi.foundation.errors import Malformed
from beffroi.rehearsal.equipment.model import Obeying, Reply

REMEMBERED = 10_000
"""Commands of which a gateway remembers what was answered: one that comes twice is answered twice, and done once."""


class Heeding:
    """What the equipment behind one gateway makes of the commands that reach it."""

    def __init__(self, source: str, models: Iterable[Obeying], clock: Clock) -> None:
        self.source = source
        self.done = 0
        self._model_of = {address: model for model in models for address in model.obeying()}
        self._clock = clock
        self._answered: OrderedDict[str, Reply | None] = OrderedDict()

    @property
    def topics(self) -> str:
        """The filter of the commands to this source."""
        return wire.command_topic(self.source, "#")

    def heed(self, topic: str, payload: bytes) -> tuple[str, bytes] | None:
        """Take one message; return the topic and the payload of the answer, or None where nothing is said."""
        address = topic.removeprefix(wire.command_topic(self.source, ""))
        try:
            asked = wire.decode_command(payload)
        except Malformed:
            return None
        reply = self._reply(address, asked)
        if reply is None:
            return None
        answer = wire.encode_answer(asked.command, reply.accepted, self._clock(), reply.reason)
        return wire.answer_topic(self.source, address), answer

    def _reply(self, address: str, asked: wire.Asked) -> Reply | None:
        model = self._model_of.get(address)
        if model is None:
            return None
        if asked.command in self._answered:
            return self._answered[asked.command]
        now = self._clock()
        if now > from_datetime(asked.expires_at):
            reply: Reply | None = Reply(False, "commande reçue trop tard")
        else:
            reply = self._obeyed(model, address, asked, now)
        self._answered[asked.command] = reply
        if len(self._answered) > REMEMBERED:
            self._answered.popitem(last=False)
        return reply

    def _obeyed(self, model: Obeying, address: str, asked: wire.Asked, now: int) -> Reply | None:
        parameters = {name: value for name, value in asked.parameters.items() if not isinstance(value, bool)}
        try:
            reply = model.obey(address, asked.ability, parameters, now)
        except (KeyError, ValueError):
            return Reply(False, "paramètres illisibles")
        self.done += reply is not None and reply.accepted
        return reply
