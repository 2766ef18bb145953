"""The process that serves pages is killed while a crew's phone sends it a picture: nothing is half-written, and sent again it is once."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.kernel.incidents.photos import noise
from tests.post.running import Post, eventually

pytestmark = pytest.mark.post
PLACE = {"lon": "4.6002", "lat": "47.4501", "category": "fallen_tree"}
LATER = {502, 503, 504}
"""What the front door says while nobody is behind it: the phone tries again."""


def _signed_in(post: Post, username: str) -> httpx.Client:
    client = httpx.Client(base_url=post.url, timeout=30)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get("/login").text)
    assert token
    form = {"csrfmiddlewaretoken": token[1], "username": username, "password": f"beffroi-{username}"}
    assert client.post("/login", data=form).status_code == 302
    return client


def _of_web(post: Post) -> list[int]:
    """The numbers of the process that serves pages and of those that it started."""
    mine = f"BEFFROI_DATA={post.folder}".encode()
    known: dict[int, tuple[int, bytes]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mine in (folder / "environ").read_bytes().split(b"\0"):
                parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
                known[int(folder.name)] = (parent, (folder / "cmdline").read_bytes())
    found = [pid for pid, (_parent, line) in known.items() if line.rstrip(b"\0").endswith(b"\0web")]
    return [*found, *(pid for pid, (parent, _line) in known.items() if parent in found)]


def _found(room: httpx.Client, text: str) -> str:
    """Look for an incident by what was written: its reference, or that there is none; nothing while nobody answers."""
    with contextlib.suppress(httpx.TransportError):
        answer = room.get("/incidents", params={"text": text})
        if answer.status_code == 200:
            listed = answer.text.partition("<main")[2]  # what is told to the room stands above, and names incidents too
            return next(iter(re.findall(r"/incidents/(BF-\d\d-\d+)", listed)), "none")
    return ""


class Sent:
    """Something that the phone sends: a new problem with its picture, under a token of its own."""

    def __init__(self, phone: httpx.Client, picture: bytes) -> None:
        self.phone, self.picture = phone, picture
        self.said = f"Branche {uuid4().hex[:8]}"
        self.fields = {**PLACE, "text": self.said, "token": str(uuid4())}

    def request(self) -> httpx.Request:
        headers = {"X-CSRFToken": self.phone.cookies["beffroi_csrf"], "Accept": "application/json"}
        files = {"picture": ("picture.jpg", self.picture, "image/jpeg")}
        return self.phone.build_request("POST", "/crew/problems", data=self.fields, files=files, headers=headers)

    def as_bytes(self) -> bytes:
        request = self.request()
        body = request.read()
        lines = [f"{name}: {value}" for name, value in request.headers.items()]
        return "\r\n".join(["POST /crew/problems HTTP/1.1", *lines, "", ""]).encode() + body

    def again(self) -> dict[str, str] | None:
        """Send it once more; None: nobody answers yet."""
        try:
            answer = self.phone.send(self.request())
        except httpx.TransportError:
            return None
        if answer.status_code in LATER:
            return None
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def test_web_killed_in_the_middle_of_an_upload_leaves_nothing_and_the_picture_is_kept_once(post: Post) -> None:
    phone, room = _signed_in(post, "equipiere"), _signed_in(post, "operatrice")
    half, whole = Sent(phone, noise(900, 600)), Sent(phone, noise(400, 300))
    address = urlsplit((post.folder / "run" / "web.address").read_text().strip())
    with (
        socket.create_connection((address.hostname, address.port)) as one,
        socket.create_connection((address.hostname, address.port)) as other,
    ):
        sent = half.as_bytes()
        one.sendall(sent[: len(sent) // 2])  # it waits for the rest
        other.sendall(whole.as_bytes())  # it may be done with it or not: the phone does not hear
        killed = _of_web(post)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        assert killed
    assert eventually(lambda: _found(room, half.said), "pages are served again") == "none"
    for each in (half, whole):
        references = {eventually(each.again, "the phone is answered")["said"] for _ in range(2)}
        assert len(references) == 1
        reference = references.pop().split(" ", 1)[0]
        assert _found(room, each.said) == reference
        panel = room.get(f"/incidents/{reference}/panel").text
        assert each.said in panel
        assert len(set(re.findall(rf"/incidents/{reference}/evidence/([0-9a-f-]{{36}})", panel))) == 1
        closed = room.post(
            f"/incidents/{reference}/close",
            data={"csrfmiddlewaretoken": room.cookies["beffroi_csrf"], "reason": "no_action", "comment": "Essai."},
            headers={"Accept": "application/json"},
        )
        assert closed.status_code == 200, closed.text
