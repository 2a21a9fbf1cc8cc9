"""What each gateway's own library signs is proven and understood; one byte changed, it is not."""

import concurrent.futures
import json
import os
import subprocess
from dataclasses import replace

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
        altered = replace(vendor.altered(callback, draw), expect=[])
        assert vendor.proves(callback), callback
        assert not vendor.proves(altered), altered
        pairs.append((callback, altered))
    genuine, altered = zip(*pairs, strict=True)
    reports = list(workers.map(lambda callback: _inspected(vendor, callback), genuine + altered))
    differences = [_difference(callback, report) for callback, report in zip(genuine + altered, reports, strict=True)]
    differences = [difference for difference in differences if difference]
    if differences:
        pytest.fail("\n\n".join([f"{len(differences)} of {len(reports)} differ", *differences[:3]]), pytrace=False)


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


def _difference(callback, report):
    """What came out otherwise, with all that it takes to see it again."""
    expected, found = callback.expect, report.get("notifications", [])
    wanted = {"valid": bool(expected), "unreadable": None, "number": len(expected)}
    got = {"valid": report.get("valid"), "unreadable": report.get("unreadable"), "number": len(found)}
    for at, (told, notification) in enumerate(zip(expected, found, strict=False)):
        wanted |= {f"{at}.{name}": value for name, value in told.items()}
        got |= {f"{at}.{name}": notification[name] for name in told}
    other = [
        f"{name}: expected {wanted[name]!r}, found {got.get(name)!r}"
        for name in wanted
        if wanted[name] != got.get(name)
    ]
    if not other:
        return None
    said = report.get("failed") or f"{report.get('reason')} {report.get('reply')}"
    return "\n".join([*other, said, callback.captured()])
