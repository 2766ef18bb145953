"""How an engine is started: never as root, and never left behind when its parent dies."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from beffroi.foundation.errors import Misconfigured

UNPRIVILEGED = ("beffroi", "nobody")
"""Accounts under which PostgreSQL may run when the post is started by root; the first that exists."""


_TOLD_OF_OUR_END = ("setpriv", "--pdeathsig", "INT")

PARENT_VARIABLE = "BEFFROI_PARENT_PID"
"""Who started a process: what it watches for, see `end_with_parent`."""
_LOOKS_EVERY_S = 0.5

_READ_AND_WALK = "-all,+dac_read_search"


def unprivileged_user() -> pwd.struct_passwd:
    """Return the account for engines that refuse root. Raises Misconfigured when there is none."""
    for name in UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Misconfigured(
        f"PostgreSQL refuses to run as root, and none of {UNPRIVILEGED} exists: add a system user `beffroi`"
    )


def reachable_by_others(path: Path) -> bool:
    """Tell whether another user could walk to a path: every folder above it lets others pass."""
    return all(parent.stat().st_mode & 0o001 for parent in path.absolute().parents)


def as_unprivileged(command: list[str], *paths: Path) -> list[str]:
    """Return the command that runs an engine as an unprivileged user, when we are root; else the command itself.

    Where a folder above the data or the program is closed to others (a checkout in a private folder), the engine keeps
    one capability, to read and walk (CAP_DAC_READ_SEARCH), rather than we open folders that are not ours.
    """
    if os.geteuid() != 0:
        return command
    if shutil.which("setpriv") is None:
        raise Misconfigured("started by root without `setpriv`: install util-linux, or start the post as another user")
    user = unprivileged_user()
    prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    if not all(reachable_by_others(path) for path in paths):
        # without the secure bit, access(2), by which initdb judges its neighbours, would look without the capability
        prefix += ["--securebits=+no_setuid_fixup", f"--inh-caps={_READ_AND_WALK}", f"--ambient-caps={_READ_AND_WALK}"]
    return [*prefix, *_TOLD_OF_OUR_END, *command]  # once more: a change of user forgets it


def give_to_unprivileged(path: Path) -> None:
    """Make a folder the unprivileged user's own, when we are root."""
    if os.geteuid() == 0:
        user = unprivileged_user()
        os.chown(path, user.pw_uid, user.pw_gid)


def spawn(command: list[str], *, output: Path, cwd: Path | None = None) -> subprocess.Popen[bytes]:
    """Start a program in its own session, its words appended to a file; it is told to stop when we die."""
    output.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with output.open("ab") as words, _hearing_interrupts():
        return subprocess.Popen(
            [*_TOLD_OF_OUR_END, *command] if _has_setpriv() else command,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, PARENT_VARIABLE: str(os.getpid())},
            start_new_session=True,
        )


def end_with_parent(*, within_s: float = 10.0) -> None:
    """Have this process end once who started it by `spawn` has died, even where it was not told, or cannot stop.

    Being told (SIGINT) it stops by itself; one that has not within `within_s` says where each of its threads stands, for
    whoever mends it, and is killed with what it started. Without this it would hold the post's ports and folder.
    """
    parent = int(os.environ.pop(PARENT_VARIABLE, "0"))
    if not parent:
        return  # started by somebody else: a systemd unit, a person

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOKS_EVERY_S)
        time.sleep(within_s)
        faulthandler.dump_traceback(sys.stderr)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, name="end with parent", daemon=True).start()


@contextlib.contextmanager
def _hearing_interrupts() -> Iterator[None]:
    """Have a child hear SIGINT, by which it is told of our end, even if we were started with it ignored.

    A shell starts what it puts in the background so, and a program inherits what is ignored. A handler of ours becomes the
    default in the child; it does nothing here, where SIGINT stays as good as ignored.
    """
    ours = signal.getsignal(signal.SIGINT)
    ignored = ours == signal.SIG_IGN and threading.current_thread() is threading.main_thread()
    if ignored:
        signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        if ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def _has_setpriv() -> bool:
    return shutil.which("setpriv") is not None


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def port_is_taken(host: str, port: int) -> bool:
    """Tell whether somebody already listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def secret(file: Path) -> str:
    """Return the secret kept in a file, making it at the first call; readable by the post's user alone."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = file.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(32))
        draft.replace(file)
    return file.read_text().strip()
