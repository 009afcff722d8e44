"""A server of this machine that plays the owner of a file, and misbehaves as asked."""

import contextlib
import http.server
import random
import threading

CONTENT = random.Random(0).randbytes(300_000)


class Owner:
    """What the server does: a list of behaviours, one per request (the last for all further ones), and what it saw."""

    def __init__(self, *behaviours):
        self.behaviours, self.requests, self.released = list(behaviours), [], threading.Event()

    def next(self, headers):
        self.requests.append(dict(headers))
        return self.behaviours[min(len(self.requests), len(self.behaviours)) - 1]


def behave(content=CONTENT, etag='"one"', ranges=True, claimed=None, stop_at=None, stall=False, status=None, **headers):
    """A behaviour: serve `content`, or stop after so many of the bytes sent, or answer with a bare status."""

    def answer(handler, owner):
        if status is not None:
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        same = handler.headers["If-Range"] in (None, etag, headers.get("Last_Modified"))
        asked = handler.headers["Range"] if ranges and same else None
        first = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if first >= len(content):
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(content)}")
            if etag:
                handler.send_header("ETag", etag)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        handler.send_response(206 if asked else 200)
        if asked:
            handler.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{claimed or len(content)}")
        if etag:
            handler.send_header("ETag", etag)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str((claimed or len(content)) - first))
        handler.end_headers()
        handler.wfile.write(content[first:][:stop_at])
        if stall:
            owner.released.wait(20)

    return answer


@contextlib.contextmanager
def serving(*behaviours):
    """Yield (the address of a file at a server that behaves so, the Owner)."""
    owner = Owner(*behaviours)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            with contextlib.suppress(ConnectionError):
                owner.next(self.headers)(self, owner)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hands.zip", owner
    finally:
        owner.released.set()
        server.shutdown()
        server.server_close()
