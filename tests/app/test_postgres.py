"""The embedded PostgreSQL: what it survives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from beffroi.app.embedded.postgres import Postgres
from beffroi.foundation.database import RUN_TIME
from beffroi.foundation.errors import Unreachable
from tests.app.conftest import wait_for


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    made = Postgres(
        tmp_path / "postgres",
        secrets=tmp_path / "secrets",
        log=tmp_path / "postgres.log",
        overrides={"shared_buffers": "16MB"},
    )
    made.start()
    yield made
    made.stop()


def test_killed_server_starts_again_on_its_folder_and_keeps_what_was_committed(postgres: Postgres) -> None:
    """Trap 6: old backends hold the shared memory for a moment; `postmaster.pid` is retried over, never deleted."""
    pid_file = postgres.folder / "postmaster.pid"
    with psycopg.connect(postgres.owner_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        assert connection.execute("SHOW data_checksums").fetchone() == ("on",)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    for n in range(3):
        with psycopg.connect(postgres.owner_url, autocommit=True) as busy:
            busy.execute("INSERT INTO kept VALUES (%s)", [n])
            assert postgres.process is not None
            postgres.process.kill()  # while a backend lives
            postgres.process.wait()
            assert pid_file.read_text().startswith(str(postgres.process.pid))
            postgres.start()
        assert pid_file.read_text().startswith(str(postgres.process.pid))
    with psycopg.connect(postgres.owner_url) as connection:
        assert connection.execute("SELECT array_agg(n ORDER BY n) FROM kept").fetchone() == ([0, 1, 2],)


def test_half_made_cluster_is_made_again(postgres: Postgres) -> None:
    postgres.stop()
    (postgres.folder / "beffroi.ready").unlink()  # as if initdb had been killed in the middle
    (postgres.folder / "PG_VERSION").unlink()
    postgres.start()
    with psycopg.connect(postgres.owner_url) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("beffroi",)


def test_password_is_asked_for_on_the_socket_of_both_roles(postgres: Postgres) -> None:
    assert postgres.password != postgres.run_password
    for url, password in ((postgres.owner_url, postgres.password), (postgres.url, postgres.run_password)):
        for wrong in ("wrong", ""):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(url.replace(password, wrong), connect_timeout=3)


def test_folder_of_before_is_given_the_role_of_the_post_and_a_lost_password_is_given_anew(postgres: Postgres) -> None:
    """A data folder of an older version has one role, the owner. Its password stays."""
    with psycopg.connect(postgres.owner_url, autocommit=True) as owner:
        owner.execute("CREATE TABLE kept (n int)")
        owner.execute(f"DROP ROLE {RUN_TIME}")
    postgres.stop()
    old = postgres.run_password
    (postgres.folder.parent / "secrets" / "postgres-run.password").unlink()
    for _ in range(2):  # the second time the role is there, with another password
        again = Postgres(postgres.folder, secrets=postgres.folder.parent / "secrets", log=postgres.log)
        again.start()
        try:
            assert again.run_password != old and again.password == postgres.password
            with psycopg.connect(again.url, autocommit=True) as post:
                said = post.execute(
                    "SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user"
                ).fetchone()
                assert said == (RUN_TIME, False)
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    post.execute("SELECT FROM kept")
        finally:
            again.stop()
        old = again.run_password
        (postgres.folder.parent / "secrets" / "postgres-run.password").unlink()


def test_server_that_cannot_start_says_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from beffroi.app.embedded import postgres as module

    monkeypatch.setattr(module, "_RETRY_FOR_S", 0.5)
    wrong = Postgres(
        tmp_path / "postgres",
        secrets=tmp_path / "secrets",
        log=tmp_path / "postgres.log",
        overrides={"shared_buffers": "a lot"},
    )
    with pytest.raises(Unreachable, match="shared_buffers"):
        wrong.start()
    wait_for(lambda: wrong.process is not None and wrong.process.poll() is not None, "nothing is left running")
