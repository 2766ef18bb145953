"""Find the browser for the tests, or bring one: an installed chromium, else the package manager, else Playwright's own.

Run as `python -m tests.browser` before the tests; says in one clear line what to do when none can be had.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def executable() -> str | None:
    """Return the browser's program: the setting BEFFROI_CHROMIUM, an installed one, or Playwright's own."""
    named = os.environ.get("BEFFROI_CHROMIUM")
    if named:
        return named
    for name in NAMES:
        if found := shutil.which(name):
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def bring() -> str | None:
    """Install a browser if there is none; return its program."""
    if found := executable():
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "chromium"], check=False, env=quiet, stdout=subprocess.DEVNULL
        )
        if found := executable():
            return found
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    return executable()


if __name__ == "__main__":
    if bring() is None:
        print("no browser: install chromium, or set BEFFROI_CHROMIUM to its program; browser tests will fail")
