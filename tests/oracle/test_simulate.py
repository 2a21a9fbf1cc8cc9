"""What `simulate` sends is accepted by the gateway's own library, and what it forges is not."""

import http.server
import json
import subprocess
import threading

import pytest

from gateways import StandardWebhooks
from program import BINARY, PATIENCE, environment

SCENARIOS = ("success", "decline", "refund", "partial_refund", "dispute_lost", "expiry", "duplicate", "forged")


@pytest.fixture(scope="module")
def listener():
    """A receiver of callbacks that only remembers them."""

    class Remember(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.heard.append((self.headers, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Remember)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_gateways_own_library_agrees(listener, gateway, scenario):
    listener.heard = []
    settings = {}
    if isinstance(gateway, StandardWebhooks):
        settings = {"paths": gateway.paths, "status_map": gateway.status_map}
    url = f"http://127.0.0.1:{listener.server_port}/webhooks/{gateway.name}"
    arguments = ["simulate", "--kind", gateway.name, "--scenario", scenario, "--url", url, "--live"]
    played = subprocess.run(
        [BINARY, *arguments, "--settings", json.dumps(settings)],
        env=environment({"PAYMENT_STATUS_SECRET": gateway.secret}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert played.returncode == 0, played.stderr
    assert listener.heard
    for headers, body in listener.heard:
        assert gateway.proves(headers, body) == (scenario != "forged")
