"""A city that has run since the first version puts the present one in its place: its data come along, whole."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

FOLDER = Path(__file__).with_name("upgrade")
"""The tables of a data folder as a version left them: written once by `pg_dump --inserts`, cut to some rows, never changed."""

STATES = {
    "2026-11-25": ["false_alarm", "new", "in_progress", "new", "new"],
    "2026-11-26": ["resolved", "resolved", "new", "resolved", "on_hold", "duplicate", "no_action"],
}
"""The incidents of each version, as the present one reads them."""

TEXTS = {"2026-11-25": 0, "2026-11-26": 7}
"""How many texts people had written of them at least: they are read as before, and stand in no table in clear."""

ASIDE = """
INSERT INTO public.alarms_shelving (code, reason, since, until, alarm_id, asset_id, by_id)
    SELECT a.code, 'le voisin Firmin attend la pièce', now(), now(), a.id, a.asset_id, p.id
    FROM public.alarms_alarm a, public.people_person p ORDER BY a.id, p.id LIMIT 1;
INSERT INTO public.alarms_withdrawal (code, title, desk, reason, since, until, ended_at, end_reason, asset_id, by_id, ended_by_id)
    SELECT '', '', '', 'travaux chez Firmin', now(), now(), now(), 'Firmin a réparé', a.id, p.id, p.id
    FROM public.twin_asset a, public.people_person p ORDER BY a.id, p.id LIMIT 1;
"""
"""What people wrote of alarms, in clear as it was then: why one was put aside, why equipment was out of service."""

PREPARE = """
import json
import django
django.setup()
from beffroi.app import provision
from beffroi.kernel.incidents import queries as incidents
from beffroi.kernel.people import queries as people
provision.prepare_database()
seen_by = people.viewer_named("operatrice")
told = incidents.of_ids(range(1, 100), seen_by=seen_by)
assert all(incidents.history(incident.id) for incident in told)
said = incidents.written([incident.id for incident in told])
words = [each.description.text for each in said.values()] + [each.close_comment.text for each in said.values()]
words += [signal.description.text for incident in told for signal in incidents.signals_of(incident.id)]
from django.apps import apps
from beffroi.kernel.journal.queries import read_words
for table, names in (("Shelving", ("reason",)), ("Withdrawal", ("reason", "end_reason"))):
    kept = [bytes(part) for row in apps.get_model("alarms", table).objects.values_list(*names) for part in row]
    words += [read_words([part]).words(part).text for part in kept]
words += [part.text for i in told for each in incidents.transfers(i.id) for part in (each.reason, each.answer)]
words += [part.text for i in told for each in incidents.pauses(i.id) for part in (each.reason, each.proof)]
print(json.dumps(sorted({text for text in words if text})))
print(json.dumps({incident.id: incident.state for incident in told}))
"""
VERIFY = "import sys; sys.argv = ['beffroi', 'journal', 'verify']; from beffroi.app.commands import main; main()"


@pytest.fixture
def left(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database with what a version left."""
    server = os.environ["BEFFROI_DATABASE_URL"]
    named = {key: value for key, value in conninfo_to_dict(server).items() if value is not None}
    name = f"upgrade_{os.getpid()}"
    with psycopg.connect(make_conninfo(**{**named, "dbname": "postgres"}), autocommit=True) as owner:
        owner.execute(f"DROP DATABASE IF EXISTS {name}")
        owner.execute(f"CREATE DATABASE {name}")
    address = make_conninfo(**{**named, "dbname": name})
    with psycopg.connect(address) as there:
        there.execute(gzip.decompress((FOLDER / f"{request.param}.sql.gz").read_bytes()))
        if request.param == "2026-11-26":
            there.execute(ASIDE)
    yield server.replace(f"/{named['dbname']}?", f"/{name}?", 1)
    with psycopg.connect(make_conninfo(**{**named, "dbname": "postgres"}), autocommit=True) as owner:
        owner.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _in_clear(address: str) -> str:
    """What the tables say as text, bytes read as text too, but for the journal, whose old lines stay as they were."""
    with psycopg.connect(address) as there:
        names = there.execute(
            "SELECT relname FROM pg_class WHERE relname ~ '^(incidents|people|alarms_(shelving|withdrawal))' AND relkind = 'r'"
        )
        rows = [row for (name,) in names.fetchall() for row in there.execute(f"SELECT * FROM {name}").fetchall()]
    return " ".join(v.decode(errors="replace") if isinstance(v, bytes) else str(v) for row in rows for v in row)


def _run(code: str, address: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BEFFROI_DATABASE_URL": address, "BEFFROI_DATA": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.mark.parametrize("left", STATES, indirect=True)
def test_what_a_version_left_comes_along_and_its_journal_stands(left: str, tmp_path: Path, request: Any) -> None:
    prepared = _run(PREPARE, left, tmp_path)
    assert prepared.returncode == 0, prepared.stderr[-2000:]
    states = json.loads(prepared.stdout.splitlines()[-1])
    assert [states[number] for number in sorted(states, key=int)] == STATES[request.node.callspec.params["left"]]
    words = json.loads(prepared.stdout.splitlines()[-2])
    assert (len(words) >= TEXTS[request.node.callspec.params["left"]], [w for w in words if w in _in_clear(left)]) == (
        True,
        [],
    )
    verified = _run(VERIFY, left, tmp_path)
    assert (verified.returncode, verified.stdout.splitlines()[-1]) == (0, "the journal stands"), verified.stderr[-2000:]
