"""The program as it is run for real: all in one process, or the adapter apart from the service."""

import http.client
import pathlib

from gateways import GATEWAYS
from merchant import Merchant
from program import PATIENCE, Program

SHAPES = ("serve", "apart")


class Deployment:
    """What gateways call is `http`; what services call is `grpc`."""

    def __init__(self, shape, database_url, folder):
        self.shape = shape
        self.config = pathlib.Path(folder) / f"{shape}.toml"
        self.config.write_text(_config(database_url))
        self.front = self.back = None
        self.start()

    def start(self):
        """Starts what does not run, at the address where it ran before."""
        listeners = ["http", "grpc", "ops"] if self.shape == "serve" else ["grpc", "ops"]
        before = self.back.addresses if self.back else {}
        same = {f"PAYMENT_STATUS__{name.upper()}__LISTEN": address for name, address in before.items()}
        command = "serve" if self.shape == "serve" else "service"
        self.back = Program([command, "--config", str(self.config)], listeners, same | _secrets())
        if self.shape == "serve":
            self.front = self.back
        elif self.front is None:
            self.front = Program(["adapter", "--service-url", f"http://{self.grpc}"], ["http"])

    @property
    def http(self):
        return self.front.addresses["http"]

    @property
    def grpc(self):
        return self.back.addresses["grpc"]

    def merchant(self):
        return Merchant(self.grpc)

    def deliver(self, callback):
        """Calls back by real HTTP: the status and the body of the answer."""
        connection = http.client.HTTPConnection(self.http, timeout=PATIENCE)
        try:
            connection.request("POST", callback.path, callback.body, callback.headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def stop(self):
        return [program.stop() for program in {self.front, self.back}]

    def kill(self):
        for program in {self.front, self.back}:
            program.kill()


def _variable(gateway):
    return f"{gateway.name.upper().replace('-', '_')}_SECRET"


def _secrets():
    return {_variable(gateway): gateway.secret for gateway in GATEWAYS}


def _config(database_url):
    sections = [
        f'[gateways.{gateway.name}]\nkind = "{gateway.name}"\nsecrets = [{{ env = "{_variable(gateway)}" }}]\n{gateway.settings}'
        for gateway in GATEWAYS
    ]
    return "\n".join([f'[database]\nurl = "{database_url}"', *sections])
