"""The real engines, once for each test process: PostgreSQL from the wheel, in a folder of its own.

Started while this file is read, because Django wants its database's address before any fixture runs.
`BEFFROI_DATABASE_URL` names another PostgreSQL instead (15 or later), as in the product.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

_box = Path(tempfile.mkdtemp(prefix="beffroi-tests-"))
os.environ["BEFFROI_DATA"] = str(_box)
os.environ["BEFFROI_CITY"] = "bourg"
os.environ["DJANGO_SETTINGS_MODULE"] = "beffroi.app.django"
atexit.register(shutil.rmtree, _box, ignore_errors=True)

from beffroi.app.embedded.postgres import Postgres  # noqa: E402

if "BEFFROI_DATABASE_URL" not in os.environ:
    _postgres = Postgres(
        _box / "postgres",
        secrets=_box / "secrets",
        log=_box / "log" / "postgres.log",
        overrides={"fsync": "off", "shared_buffers": "64MB"},
    )
    _postgres.start()
    atexit.register(_postgres.stop)
    os.environ["BEFFROI_DATABASE_URL"] = _postgres.url


import django  # noqa: E402

django.setup()


@pytest.fixture(scope="session")
def box() -> Path:
    """The folder of this run."""
    return _box
