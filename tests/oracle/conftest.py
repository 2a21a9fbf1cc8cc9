"""Each test that takes a `deployment` runs on every store, in one process and in two."""

import itertools

import pytest

from database import STORES, database
from deployment import SHAPES, Deployment
from gateways import GATEWAYS
from merchant import Follower

EVERYWHERE = [f"{shape}-{store}" for shape, store in itertools.product(SHAPES, STORES)]


def pytest_configure(config):
    """Libraries warn of their own past, which is no news of ours."""
    for library in ("braintree", "cashfree_pg"):
        config.addinivalue_line("filterwarnings", f"ignore::DeprecationWarning:{library}")


@pytest.fixture(scope="session", params=EVERYWHERE)
def deployment(request, tmp_path_factory):
    yield from _deployed(request, tmp_path_factory)


@pytest.fixture(params=EVERYWHERE)
def own_deployment(request, tmp_path_factory):
    """One that a test may break."""
    yield from _deployed(request, tmp_path_factory)


def _deployed(request, tmp_path_factory):
    shape, store = request.param.split("-")
    folder = tmp_path_factory.mktemp(request.param)
    with database(store, folder) as url:
        deployed = Deployment(shape, url, folder)
        try:
            yield deployed
        finally:
            deployed.kill()


@pytest.fixture(scope="session")
def merchant(deployment):
    merchant = deployment.merchant()
    yield merchant
    merchant.close()


@pytest.fixture(scope="session")
def follower(merchant):
    follower = Follower(merchant)
    yield follower
    assert follower.ended is None, follower.ended
    follower.close()


@pytest.fixture(params=GATEWAYS, ids=lambda gateway: gateway.name)
def gateway(request):
    return request.param
