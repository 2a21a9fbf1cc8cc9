"""The real program in a process of its own."""

import json
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

BINARY = os.environ["PAYMENT_STATUS_BIN"]
# Generous, since it only ever bounds a failure.
PATIENCE = 30


def eventually(what, condition):
    """Waits until a condition holds, and returns what it returned."""
    deadline = time.monotonic() + PATIENCE
    while not (result := condition()):
        assert time.monotonic() < deadline, f"in {PATIENCE} seconds it did not come true that {what}"
        time.sleep(0.01)
    return result


def environment(extra=()):
    """Nothing of this shell's settings, and a free port for every listener."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    listen = {f"PAYMENT_STATUS__{part}__LISTEN": "127.0.0.1:0" for part in ("HTTP", "GRPC", "OPS")}
    return kept | listen | {"PAYMENT_STATUS__LOG__FORMAT": "json"} | dict(extra)


class Program:
    """A running `payment-status`; its listeners' addresses are read from its log."""

    def __init__(self, arguments, listeners, extra=()):
        self.process = subprocess.Popen(
            [BINARY, *arguments], env=environment(extra), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self.addresses = {}
        self.log = []
        threading.Thread(target=self._read, daemon=True).start()
        eventually(f"{arguments} listens", lambda: self._listens(listeners))
        if "ops" in listeners:
            eventually(f"{arguments} is ready", lambda: self.get("/readyz") == 200)

    def _read(self):
        for line in self.process.stderr:
            self.log.append(line)
            if line.startswith("{") and (event := json.loads(line)).get("message") == "listening":
                self.addresses[event["listener"]] = event["address"]

    def _listens(self, listeners):
        assert self.process.poll() is None, "it ended: " + "".join(self.log)
        return all(listener in self.addresses for listener in listeners)

    def get(self, path):
        """The status of an operator's page."""
        try:
            return urllib.request.urlopen(f"http://{self.addresses['ops']}{path}", timeout=PATIENCE).status
        except urllib.error.HTTPError as error:
            return error.code

    def kill(self):
        """Takes it away without a warning, as the kernel does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def stop(self):
        """Asks it to stop, and says how it ended."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)
