"""https://developers.przelewy24.pl: JSON is built anew and digested; a community library."""

import hashlib
import json

from .callback import Callback
from .draw import Draw
from .node import ask
from .vendor import Vendor, understood


class Przelewy24(Vendor):
    kind = "przelewy24"
    secret = Draw().of("0123456789abcdef", 16)
    settings = {"merchant_id": "12345", "pos_id": "123"}
    currency = "PLN"

    def callback(self, draw):
        payment, reference, amount = draw.digits(9), draw.reference(), draw.amount()
        fields = {
            "merchantId": 12345,
            "posId": 123,
            "sessionId": reference,
            "amount": amount.minor,
            "originAmount": amount.minor,
            "currency": "PLN",
            "orderId": int(payment),
            "methodId": draw.randint(1, 300),
            "statement": draw.text(),
        }
        text = json.dumps(fields | {"crc": self.secret}, ensure_ascii=False, separators=(",", ":"))
        sign = hashlib.sha384(text.encode()).hexdigest()
        body = draw.json(dict(draw.shuffled(fields | {"sign": sign})))
        expect = understood(payment, reference, amount, "PLN", "authorized")
        return Callback(
            {"Content-Type": "application/json"},
            body,
            source_ip="5.252.202.255",
            expect=[expect],
            signed=(sign, payment),
        )

    def proves(self, callback):
        return ask("przelewy24.verify", 12345, 123, self.secret, json.loads(callback.body))
