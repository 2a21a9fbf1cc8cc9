"""What each gateway's own library signs is proven and understood; one byte changed, it is not."""

import concurrent.futures
import json
import os
import subprocess

import pytest
from program import BINARY, PATIENCE, environment
from vendors import VENDORS
from vendors.draw import Draw

CALLBACKS = 20


@pytest.fixture(scope="module")
def workers():
    with concurrent.futures.ThreadPoolExecutor(2 * os.cpu_count()) as workers:
        yield workers


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_both_sides_agree(vendor, workers):
    pairs = []
    for _ in range(CALLBACKS):
        draw = Draw()
        callback = vendor.callback(draw)
        altered = vendor.altered(callback, draw)
        assert vendor.proves(callback), callback
        assert not vendor.proves(altered), altered
        pairs.append((callback, altered))
    genuine, altered = zip(*pairs)
    reports = workers.map(lambda callback: _inspected(vendor, callback), genuine + altered)
    differences = []
    for callback, report in zip(genuine, reports):
        expected = {"valid": True, "unreadable": None, "notifications": callback.expect}
        differences += _difference(callback, report, expected)
    for callback, report in zip(altered, reports):
        differences += _difference(callback, report, {"valid": False, "notifications": []})
    assert not differences, "\n\n".join([f"{len(differences)} of {2 * CALLBACKS} differ", *differences[:3]])


def _inspected(vendor, callback):
    arguments = ["inspect", "--kind", vendor.kind, "--settings", json.dumps(vendor.settings), "--json"]
    secret = {"PAYMENT_STATUS_SECRET": vendor.secret} if vendor.secret else {}
    shown = subprocess.run(
        [BINARY, *arguments, "--now", str(Draw().now), "-"],
        env=environment(secret),
        input=callback.captured(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    return json.loads(shown.stdout) if shown.returncode == 0 else {"failed": shown.stderr}


def _difference(callback, report, expected):
    """What came out otherwise, with all that it takes to see it again."""
    found = {name: report.get(name) for name in expected}
    for told, notification in zip(expected["notifications"], found["notifications"] or []):
        for name in notification.keys() - told.keys():
            del notification[name]
    if found == expected and "failed" not in report:
        return []
    return [f"expected {expected}\nfound    {report.get('failed') or found}\nof       {callback.captured()}"]
