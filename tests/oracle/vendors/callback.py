"""What a gateway sends: a callback in the form that `inspect` reads, and what must be understood of it."""

import json
import re
from dataclasses import dataclass, field, replace


@dataclass
class Callback:
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    query: str = ""
    method: str = "POST"
    path: str = "/webhooks/oracle"
    source_ip: str = "192.0.2.1"
    # One entry per notification, with the fields that must come out.
    expect: list = field(default_factory=list)
    # The texts whose every byte is proven, as they stand in the query or the body; empty means the whole body.
    signed: tuple = ()

    def header(self, name):
        """A header by its name in any case, since that is how HTTP has it."""
        named = [value for key, value in self.headers.items() if key.lower() == name.lower()]
        return named[0] if named else None

    @property
    def text(self):
        # Libraries take text; what is no UTF-8 must still reach them, and fail.
        return self.body.decode("utf-8", "surrogateescape")

    def captured(self):
        """As `inspect` reads it."""
        shown = {"method": self.method, "path": self.path, "query": self.query, "headers": self.headers}
        shown |= {"source_ip": self.source_ip, "body_encoding": "utf8", "body": self.body.decode()}
        return json.dumps(shown, ensure_ascii=False)

    def altered(self, draw):
        """The same with one proven byte changed."""
        text = draw.choice(self.signed) if self.signed else self.body
        text = text.encode() if isinstance(text, str) else text
        place = "query" if text in self.query.encode() and self.query else "body"
        whole = self.query.encode() if place == "query" else self.body
        start = whole.index(text)
        # Inside an escape a change might be one of spelling only: %2b and %2B are the same byte.
        escaped = {at for escape in re.finditer(rb"%..|\\u....|\\.", text) for at in range(*escape.span())}
        at = draw.choice([at for at in range(len(text)) if at not in escaped and text[at : at + 1].isalnum()])
        letters = "123456789" if text[at : at + 1].isdigit() else "ghkmnpqrstuvwxyz"
        other = draw.choice([letter for letter in letters if letter != chr(text[at]).lower()])
        whole = whole[: start + at] + other.encode() + whole[start + at + 1 :]
        return replace(self, query=whole.decode()) if place == "query" else replace(self, body=whole)
