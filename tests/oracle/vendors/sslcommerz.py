"""https://developer.sslcommerz.com/doc/v4/#ipn-listener: the callback itself says which of its fields are signed."""

import hashlib
import urllib.parse

from sslcommerz_lib import SSLCOMMERZ

from .callback import Callback
from .draw import Draw
from .vendor import Vendor, understood


class SslCommerz(Vendor):
    kind = "sslcommerz"
    secret = "testbox@ssl" + Draw().name()
    settings = {"store_id": "testbox"}
    currency = "BDT"
    scenarios = ("success", "forged")

    def callback(self, draw):
        payment, reference, amount = draw.name(), draw.reference(), draw.amount()
        word, status = draw.choice(
            [("VALID", "paid"), ("FAILED", "failed"), ("CANCELLED", "canceled"), ("EXPIRED", "expired")]
        )
        fields = {
            "status": word,
            "tran_id": reference,
            "val_id": draw.name(),
            "bank_tran_id": payment,
            "amount": amount.major,
            "currency": "BDT",
            "store_id": "testbox",
            "risk_level": "0",
            "card_issuer": draw.text(),
            "product_name": draw.text(),
            "tran_date": draw.moment("%Y-%m-%d %H:%M:%S"),
        }
        # Sorted, a machine's word is the last: the library drops an & at the end of the text.
        names = [name for name, _ in draw.shuffled(fields)]
        listed = sorted(
            [*((name, fields[name]) for name in names), ("store_passwd", hashlib.md5(self.secret.encode()).hexdigest())]
        )
        text = "&".join(f"{name}={value}" for name, value in listed).encode()
        fields |= {"verify_key": ",".join(names), "verify_sign": hashlib.md5(text).hexdigest()}
        # Newer accounts get both.
        if draw.choice([True, False]):
            fields["verify_sign_sha2"] = hashlib.sha256(text).hexdigest()
        body = draw.form(draw.shuffled(fields))
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        expect = understood(payment, reference, amount, "BDT", status)
        return Callback(headers, body.encode(), expect=[expect], signed=(payment, amount.major))

    def proves(self, callback):
        settings = {"store_id": "testbox", "store_pass": self.secret, "issandbox": True}
        form = dict(urllib.parse.parse_qsl(callback.text, keep_blank_values=True))
        return SSLCOMMERZ(settings).hash_validate_ipn(form)
