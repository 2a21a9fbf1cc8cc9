"""Random values, as awkward as those that shops and customers really send."""

import datetime
import json
import random
import re
import string
import time
import urllib.parse
import uuid

ODD = "äéßñ漢字ключ🎉 &=+%#?/\\\"'<>;:|~*!(),._-@$"
ALPHANUMERIC = string.ascii_letters + string.digits


class Amount:
    """Money in a currency with so many decimals."""

    def __init__(self, minor, decimals):
        self.minor, self.decimals = minor, decimals

    @property
    def major(self):
        if not self.decimals:
            return str(self.minor)
        return f"{self.minor // 10**self.decimals}.{self.minor % 10**self.decimals:0{self.decimals}}"


class Number(str):
    """A JSON number that is written as this text: 170.00 and 170.0 are not the same bytes."""


class Draw(random.Random):
    @property
    def now(self):
        return int(time.time())

    def moment(self, form="%Y-%m-%dT%H:%M:%SZ"):
        return datetime.datetime.fromtimestamp(self.now, datetime.timezone.utc).strftime(form)

    def of(self, alphabet, count):
        return "".join(self.choices(alphabet, k=count))

    def digits(self, count):
        return self.choice("123456789") + self.of(string.digits, count - 1)

    def name(self, prefix="", count=14):
        """A name that a machine gave: letters and digits."""
        return prefix + self.of(ALPHANUMERIC, count)

    def uuid(self):
        return str(uuid.UUID(int=self.getrandbits(128), version=4))

    def key(self):
        return self.of(ALPHANUMERIC + "+/_-", self.randint(24, 64))

    def reference(self, alphabet=ODD + ALPHANUMERIC):
        """The merchant's own name of an order, without spaces around it."""
        return self.of(ALPHANUMERIC, 2) + self.of(alphabet, self.randint(1, 20)) + self.of(ALPHANUMERIC, 2)

    def text(self):
        """What a person typed, or nothing."""
        return self.choice(["", self.of(ODD + ALPHANUMERIC, self.randint(1, 40))])

    def blank(self):
        """What gateways write where there is nothing."""
        return self.choice([None, "", self.text()])

    def amount(self, decimals=2):
        return Amount(
            self.choice([1, self.randint(1, 99), self.randint(100, 99_999), self.randint(10**5, 10**10)]), decimals
        )

    def shuffled(self, pairs):
        pairs = list(pairs.items() if isinstance(pairs, dict) else pairs)
        self.shuffle(pairs)
        return pairs

    def json(self, document):
        """The bytes that one of the many JSON writers would make of it."""
        separators = self.choice([(",", ":"), (", ", ": "), (" , ", " : ")])
        indent = self.choice([None, None, 2])
        marked = json.dumps(_marked(document), ensure_ascii=self.random() < 0.4, indent=indent, separators=separators)
        return re.sub(r'"\[\[number (.*?)\]\]"', r"\1", marked).encode()

    def form(self, pairs):
        """A form body; a space may be a plus or %20."""
        quote = self.choice([urllib.parse.quote_plus, urllib.parse.quote])
        return urllib.parse.urlencode(pairs, quote_via=quote)


def _marked(value):
    if isinstance(value, Number):
        return f"[[number {value}]]"
    if isinstance(value, dict):
        return {name: _marked(inner) for name, inner in value.items()}
    return [_marked(inner) for inner in value] if isinstance(value, list) else value
