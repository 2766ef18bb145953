"""The sheet of a source: what it reports and how much is silent, never thousands of links; its own lines of the journal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from beffroi.kernel.twin import actions
from tests.kernel.twin.conftest import BY, HEADER, NOW

pytestmark = pytest.mark.django_db
Enter = Callable[..., Client]


def test_sheet_counts_what_the_source_reports_and_leads_to_its_list(enter: Enter, tmp_path: Path) -> None:
    file = tmp_path / "assets.csv"
    file.write_text("\n".join([HEADER, *(f"ZZ-{k},sensor,5.04,47.32,Sonde {k},halle" for k in range(3))]) + "\n")
    actions.import_assets(file, by=BY, at=NOW)
    client = enter("operatrice")
    page = client.get("/assets/source:halle").content.decode()
    assert 'id="source-card"' in page and "jamais encore" in page
    assert 'href="/assets?source=halle&amp;class=sensor"' in page
    assert "Sonde 1" not in page
    assert "A déclaré une source" in page
    listed = client.get("/assets?source=halle&class=sensor").content.decode()
    assert [f"Sonde {k}" in listed for k in range(3)] == [True] * 3
    assert "Rapportés par la source halle" in listed
    assert 'href="/assets/source:halle"' in client.get("/assets/ZZ-1").content.decode()
