"""One file over HTTP: gone on with where it broke off, begun anew where the owner's file is another by now."""

import contextlib
import http.client
import json
import os
import re
import shutil
import ssl
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from pipeline.data.files import replacing
from pipeline.data.unpack import file_digest
from pipeline.stage import NO_ROOM, WrongInput

_BLOCK = 1 << 18
_PASSING = {408, 425, 429, 500, 502, 503, 504}  # HTTP statuses that another attempt may not meet
_WHO = "balanced-hand-shapes (research)"


@dataclass(frozen=True)
class Patience:
    """Seconds without a byte that end an attempt, and the waits before the next ones; progress starts them over."""

    timeout: float = 60
    waits: tuple = (1, 2, 4, 8, 16, 32)


class _Broken(Exception):
    """An attempt that ended early, where another may do better."""


class _Part:
    """The bytes that are here so far, and by which mark (ETag or date) the owner's file is known again."""

    def __init__(self, path):
        self.path = path.with_name(path.name + ".part")
        self.beside = path.with_name(path.name + ".anew")
        self._state = path.with_name(path.name + ".part.json")

    def size(self):
        return self.path.stat().st_size if self.path.exists() else 0

    def mark(self):
        """Return the mark of the file that the bytes are of; None where the server gave none or it was lost."""
        try:
            return json.loads(self._state.read_text())["mark"]
        except (OSError, ValueError):
            return None

    def begin(self, mark):
        """Forget the bytes; those to come are of the file with this mark."""
        self.forget()
        self.path.write_bytes(b"")
        with replacing(self._state) as beside:
            beside.write_text(json.dumps({"mark": mark}))

    def forget(self):
        """Make sure that the bytes are not gone on with."""
        self._state.unlink(missing_ok=True)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to HTTP addresses, and from HTTPS to HTTPS alone."""

    def redirect_request(self, request, answer, code, reason, headers, url):
        allowed = ("https://",) if request.full_url.startswith("https://") else ("https://", "http://")
        if not url.lower().startswith(allowed):
            raise WrongInput(f"{request.full_url}: leads to {url}, a less safe address; ask the owner for another")
        return super().redirect_request(request, answer, code, reason, headers, url)


class _Progress:
    """One line that is written over on a terminal; elsewhere a line a minute."""

    def __init__(self, name, have, total):
        self.name, self.have, self.total, self.got = name, have, total, 0
        self.began = self.told = time.monotonic()
        self.end, self.every = ("\r", 0.5) if sys.stderr.isatty() else ("\n", 60)

    def add(self, count):
        self.got += count
        if time.monotonic() - self.told >= self.every:
            self.show(self.end)

    def show(self, end):
        self.told = time.monotonic()
        line = progress_line(self.name, self.have + self.got, self.total, self.got, self.told - self.began)
        print(line.ljust(79), end=end, file=sys.stderr, flush=True)


def progress_line(name, have, total, got, seconds):
    """Say how far a download is: bytes here, bytes in all or None, bytes of this attempt and the seconds it took."""
    speed = got / max(seconds, 1e-9)
    if total is None:
        return f"{name}: {have / 1e6:.1f} MB, {speed / 1e6:.1f} MB/s"
    left = (total - have) / max(speed, 1)
    hours, minutes, seconds = int(left // 3600), int(left % 3600 // 60), int(left % 60)
    share = f"{have / 1e6:.1f} of {total / 1e6:.1f} MB"
    return f"{name}: {share}, {speed / 1e6:.1f} MB/s, {hours}:{minutes:02}:{seconds:02} left"


def download(url, path, length, sha256, patience):
    """Bring the file at `url` to `path`; what has come so far stays in `path`.part when that fails.

    length (bytes) and sha256 are what the file must have, or None. Raises WrongInput, in one line, for what is wrong.
    """
    part = _Part(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    best, waits = part.size(), iter(patience.waits)
    while True:
        try:
            _attempt(url, part, length, patience.timeout)
            break
        except _Broken as broken:
            if part.size() > best:
                best, waits = part.size(), iter(patience.waits)
            wait = next(waits, None)
            if wait is None:
                kept = f"{part.size() / 1e6:.1f} MB are kept; call again, later perhaps"
                raise WrongInput(f"{url}: {broken}, {len(patience.waits) + 1} times; {kept}") from None
            print(f"{url}: {broken}; again in {wait:g} s", file=sys.stderr, flush=True)
            time.sleep(wait)
    _accept(url, part, path, length, sha256)


def _accept(url, part, path, length, sha256):
    """Give the complete file its name; set it aside where it is not the one that was expected."""
    wrong = None
    if length is not None and part.size() != length:
        wrong = f"{part.size()} bytes; expected {length}"
    elif sha256 is not None and (found := file_digest(part.path)) != sha256:
        wrong = f"sha256 {found}; expected {sha256}"
    part.forget()
    if wrong is not None:
        aside = path.with_name(path.name + ".wrong")
        os.replace(part.path, aside)
        raise WrongInput(f"{url}: {wrong}; look at {aside}: call again, or mend the registry if the owner changed it")
    os.replace(part.path, path)


def _attempt(url, part, length, timeout):
    """Fetch what is missing, or all of it where that cannot be joined to what is here."""
    have, mark = part.size(), part.mark()
    asked = {"User-Agent": _WHO, "Accept-Encoding": "identity"}
    if have and mark:
        asked |= {"Range": f"bytes={have}-", "If-Range": mark}
    request = urllib.request.Request(url, headers=asked)
    try:
        answer = urllib.request.build_opener(_Redirects).open(request, timeout=timeout)
    except urllib.error.HTTPError as refused:
        return _refused(url, refused, part, have, mark)
    except (OSError, http.client.HTTPException) as wrong:
        raise _no_connection(url, wrong) from None
    with answer:
        if answer.headers["Content-Encoding"] not in (None, "identity"):
            raise WrongInput(f"{url}: sent in another encoding than asked; fetch it by hand")
        if answer.status == 206:
            total = _joining(answer, part, have, mark)
            return _append(answer, part.path, have, total, url)
        total = answer.length
        if None not in (length, total) and total != length:
            raise WrongInput(
                f"{url}: {total} bytes at the owner's; expected {length}; mend the registry if the owner changed it"
            )
        if have and mark in (None, _mark(answer)):
            return _again(answer, part, total, url)
        part.begin(_mark(answer))
        return _append(answer, part.path, 0, total, url)


def _again(answer, part, total, url):
    """Fetch all of it beside: this server goes on nowhere, and what is here stays until there is more."""
    part.beside.unlink(missing_ok=True)
    try:
        _append(answer, part.beside, 0, total, url)
        part.begin(_mark(answer))
        os.replace(part.beside, part.path)
    finally:
        part.beside.unlink(missing_ok=True)


def _mark(answer):
    """Return what If-Range may ask for: a strong ETag, else the date of the last change, else None."""
    etag = answer.headers["ETag"]
    return etag if etag and not etag.startswith("W/") else answer.headers["Last-Modified"]


def _joining(answer, part, have, mark):
    """Return the length of the whole file if the answer goes on exactly where the bytes end."""
    told = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.headers["Content-Range"] or "")
    if told is None or int(told[1]) != have or _mark(answer) not in (None, mark):
        part.forget()
        raise _Broken("answered with another range than asked")
    return int(told[3])


def _refused(url, refused, part, have, mark):
    """Say what a status of 300 and more means; return only if all bytes are here already."""
    with refused:
        if refused.code == 416:
            if refused.headers["Content-Range"] == f"bytes */{have}" and _mark(refused) in (None, mark):
                return
            part.forget()
            raise _Broken("has other bytes than are here")
        if refused.code in _PASSING:
            raise _Broken(f"HTTP {refused.code}")
    remedy = {
        401: "the owner asks for a login: fetch it by hand",
        403: "the owner refuses: look at the owner's page, and fetch it by hand",
        404: "no such file any more: look at the owner's page, and mend the registry",
    }
    raise WrongInput(f"{url}: HTTP {refused.code}; {remedy.get(refused.code, 'look at the page of its owner')}")


def _no_connection(url, wrong):
    reason = getattr(wrong, "reason", wrong)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return WrongInput(f"{url}: its certificate does not hold ({reason.verify_message}); fetch it by hand")
    return _Broken(f"no answer ({reason or type(wrong).__name__})")


def _append(answer, path, have, total, url):
    """Write the answer's bytes to the end of a file; raise _Broken if fewer come than were announced."""
    free = shutil.disk_usage(path.parent).free
    if total is not None and free < total - have:
        raise WrongInput(f"{path.parent}: {free / 1e9:.1f} GB free; {(total - have) / 1e9:.1f} are needed; make room")
    progress = _Progress(Path(url).name, have, total)
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open(path, "ab"))
        stack.callback(lambda: progress.show("\n"))
        while block := _block(answer):
            try:
                file.write(block)
                file.flush()
            except OSError as full:
                if full.errno not in NO_ROOM:
                    raise
                raise WrongInput(f"{path}: no room is left for it; make room and call again") from None
            progress.add(len(block))
    got = have + progress.got
    if total is not None and got < total:
        raise _Broken(f"broke off at {got / 1e6:.1f} of {total / 1e6:.1f} MB")


def _block(answer):
    try:
        return answer.read1(_BLOCK)
    except (OSError, http.client.HTTPException) as wrong:
        raise _Broken(f"broke off ({wrong or type(wrong).__name__})") from None
