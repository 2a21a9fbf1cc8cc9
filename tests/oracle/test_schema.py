"""The JSON Schema of descriptions, by a validator that nobody here wrote."""

import json
import pathlib
import tomllib

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).parents[2]
KINDS = ROOT / "src/gateways/kinds"
SCHEMA = json.loads((KINDS / "description.schema.json").read_text())
DESCRIPTIONS = [*sorted(KINDS.glob("*.toml")), ROOT / "examples/our-bank.toml"]
OUR_BANK = (ROOT / "examples/our-bank.toml").read_text()


def complaints(text):
    validator = jsonschema.Draft202012Validator(SCHEMA)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(tomllib.loads(text))]


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", DESCRIPTIONS, ids=lambda path: path.stem)
def test_every_description_validates_and_points_to_the_schema(path):
    text = path.read_text()
    first = text.splitlines()[0]
    assert first.startswith("#:schema ")
    assert (path.parent / first.removeprefix("#:schema ")).resolve() == KINDS / "description.schema.json"
    assert complaints(text) == []


MISTAKES = {
    "a misspelt key": ("title =", "titel ="),
    "a key that is missing": ('algorithm = "hmac-sha256"', ""),
    "a wrong word": ('"hex"', '"HEX"'),
    "a wrong place": ('"$.total"', '"total"'),
    "a wrong type": ("tolerance_seconds = 300", 'tolerance_seconds = "300"'),
    "one table for a list of them": ("[[auth]]", "[auth]"),
    "a proof of nothing that covers something": ('"hmac-sha256"', '"none"'),
    "a signed text without a place": ('"{header:X-Bank-Time}.{body}"', '"body"'),
    "a signed text beside a list of fields": (
        '"{header:X-Bank-Time}.{body}"',
        '{ text = "{body}", fields = { of = "form" } }',
    ),
    "two tests in one condition": (
        'status = "paid"',
        'status = "paid"\nwhen = [{ path = "$.a", eq = 1, exists = true }]',
    ),
    "no test in a condition": ('status = "paid"', 'status = "paid"\nwhen = [{ path = "$.a" }]'),
}


@pytest.mark.parametrize("old, new", MISTAKES.values(), ids=MISTAKES.keys())
def test_an_editor_shows_what_the_loader_would_refuse(old, new):
    assert old in OUR_BANK
    assert complaints(OUR_BANK.replace(old, new, 1))
