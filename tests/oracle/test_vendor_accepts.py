"""What `simulate` sends is accepted by each gateway's own library, and what it forges is not."""

import http.server
import json
import subprocess
import threading
import urllib.parse

import pytest

from program import BINARY, PATIENCE, environment
from vendors import VENDORS
from vendors.callback import Callback

SIMULATED = [(vendor, scenario) for vendor in VENDORS for scenario in vendor.scenarios]


@pytest.fixture(scope="module")
def listener():
    """A receiver that remembers what it gets, in the order in which it gets it."""

    class Remember(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = urllib.parse.urlsplit(self.path)
            callback = Callback(dict(self.headers), body, url.query, self.command, url.path)
            self.server.heard.append(callback)
            self.send_response(200)
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Remember)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def _name(value):
    return value if isinstance(value, str) else value.name


@pytest.mark.parametrize(("vendor", "scenario"), SIMULATED, ids=_name)
def test_the_library_agrees(listener, vendor, scenario):
    listener.heard = []
    url = f"http://127.0.0.1:{listener.server_port}/webhooks/{vendor.kind}"
    amount = ["--amount", "1250" if vendor.currency == "VND" else "12.50", "--currency", vendor.currency]
    account = ["--account", vendor.account] if vendor.account else []
    settings = vendor.settings | vendor.signing
    played = subprocess.run(
        [BINARY, "simulate", "--kind", vendor.kind, "--scenario", scenario, "--url", url, *amount, *account, "--live"]
        + ["--settings", json.dumps(settings)],
        env=environment({"PAYMENT_STATUS_SECRET": vendor.secret} if vendor.secret else {}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert played.returncode == 0, played.stderr
    assert listener.heard
    for callback in listener.heard:
        if scenario == "forged":
            assert not _accepted(vendor, callback), callback
        else:
            assert vendor.proves(callback), callback


def _accepted(vendor, forged):
    """A library that cannot even read a forgery has not accepted it."""
    try:
        return vendor.proves(forged)
    except Exception:
        return False
