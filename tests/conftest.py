"""The real engines, once for each run: PostgreSQL from the wheel, in a folder of its own.

Started while this file is read, because Django wants its database's address before any fixture runs.
`BEFFROI_TEST_POSTGRES` names the folder of another PostgreSQL's programs (15 or later), run in the same way: `make test-postgres15`.

Tests run under the role under which the post runs, which may neither make a table nor change a line of the journal; what
only the owner of the tables may do stands in `as_owner`.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_box = Path(tempfile.mkdtemp(prefix="beffroi-tests-"))
os.environ["BEFFROI_DATA"] = str(_box)
os.environ["BEFFROI_CITY"] = "bourg"
os.environ["DJANGO_SETTINGS_MODULE"] = "beffroi.app.django"
atexit.register(shutil.rmtree, _box, ignore_errors=True)

from beffroi.foundation.database import RUN_TIME  # noqa: E402
from tests.database import AS_THE_POST, Engine, empty, filled, unguarded  # noqa: E402

if "BEFFROI_DATABASE_URL" not in os.environ:  # the processes of one run share a server
    _postgres = Engine(
        _box / "postgres",
        secrets=_box / "secrets",
        log=_box / "log" / "postgres.log",
        overrides={"fsync": "off", "shared_buffers": "64MB"},
    )
    _postgres.start()
    atexit.register(_postgres.stop)
    os.environ["BEFFROI_DATABASE_URL"] = _postgres.owner_url


import django  # noqa: E402
import hypothesis  # noqa: E402
from django.contrib.auth.hashers import Argon2PasswordHasher  # noqa: E402

django.setup()
# No test is about what a guess costs: passwords are hashed as on a post, at the least cost.
Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = 1, 8, 1
# Properties are about what is true, not how fast: a machine at work on other things must not fail them.
hypothesis.settings.register_profile("beffroi", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("beffroi")


@pytest.hookimpl(tryfirst=True)  # before the worker reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with whole posts, which wait more than they work; keep a file together, and what shares the one post."""
    items.sort(key=lambda item: item.get_closest_marker("post") is None)
    for item in items:
        shares = "post" in getattr(item, "fixturenames", ()) and item.path.parent.name == "post"
        alone = item.path.stem == "test_stories"  # it has a post of its own
        item.add_marker(pytest.mark.xdist_group("post" if shares and not alone else item.nodeid.split("::")[0]))


@pytest.fixture(scope="session")
def box() -> Path:
    """The folder of this run."""
    return _box


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """Return a real capture of the shared folder, which is read and never committed; skip where it is absent."""
    folder = Path(os.environ.get("BEFFROI_SHARED", Path(__file__).parents[1] / ".." / "shared"))

    def find(name: str) -> Path:
        path = folder / "data" / name
        if not path.exists():
            pytest.skip(f"the shared folder of real captures has no {name} (set BEFFROI_SHARED to where it is)")
        return path

    return find


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Make the test database as its owner, as the post is prepared, then leave it to the role under which the post runs."""
    from django.db import connection

    from beffroi.app import roles

    with django_db_blocker.unblock():
        roles.grant(RUN_TIME)
        connection.settings_dict["OPTIONS"]["options"] = AS_THE_POST
        connection.close()
    yield
    with django_db_blocker.unblock():
        del connection.settings_dict["OPTIONS"]["options"]
        connection.close()


def _empty(case: Any) -> None:
    """Empty the tables that a test with real transactions filled: few of all, so this is quick. The journal keeps its first row."""
    from django.db import connection

    with unguarded(), connection.cursor() as cursor:
        empty(filled())
        cursor.execute("INSERT INTO journal_head (id, seq) VALUES (1, 0)")


from django.test import TransactionTestCase  # noqa: E402

TransactionTestCase._fixture_teardown = _empty  # type: ignore[attr-defined]
