"""Serve the built site on this machine: `python -m tools.serve`."""

import argparse
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from tools import addresses

SITE = addresses.ROOT / "_build" / "html"


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that does not log every request."""

    def log_message(self, *args):
        """Say nothing."""


@contextmanager
def serving(folder=SITE, port: int = 0):
    """The address of a server that runs as long as the block does."""
    handler = partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    with serving(port=parser.parse_args().port) as address:
        print(f"{address} - stop with Ctrl+C", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
