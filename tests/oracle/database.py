"""A fresh database for each deployment, gone at its end."""

import contextlib
import os
import urllib.parse
import uuid

import pg8000.native

STORES = ("sqlite", "postgres")


@contextlib.contextmanager
def database(store, folder):
    """The URL of a fresh, empty database."""
    if store == "sqlite":
        yield f"sqlite://{folder}/{uuid.uuid4().hex}.db"
        return
    server = urllib.parse.urlsplit(os.environ["TEST_POSTGRES_URL"])
    name = f"oracle_{uuid.uuid4().hex}"
    _execute(server, f"CREATE DATABASE {name}")
    try:
        yield server._replace(path=f"/{name}").geturl()
    finally:
        _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(server, statement):
    connection = pg8000.native.Connection(
        user=urllib.parse.unquote(server.username or "postgres"),
        password=urllib.parse.unquote(server.password or "") or None,
        host=server.hostname,
        port=server.port or 5432,
        database=server.path.lstrip("/") or "postgres",
    )
    try:
        connection.run(statement)
    finally:
        connection.close()
