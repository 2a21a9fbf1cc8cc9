"""https://pagosonline.redsys.es/desarrolladores: each order has a key of its own, by one of three ways."""

import base64
import re
import string
import urllib.parse

import redsys
import redsys.clients
from redsys.crypto import SIGNATURE_VERSIONS, get_signer

from .callback import Callback
from .draw import Draw
from .node import ask
from .vendor import Vendor, understood

CURRENCIES = {"978": "EUR", "840": "USD", "826": "GBP"}


class Redsys(Vendor):
    kind = "redsys"
    secret = base64.b64encode(Draw().randbytes(24)).decode()
    settings = {"merchant_code": "999008881"}

    def __init__(self):
        self.library = redsys.clients.RedirectClient(secret_key=self.secret, merchant_code="999008881", terminal=1)

    def callback(self, draw):
        reference = draw.digits(4) + draw.of(string.ascii_letters + string.digits, draw.randint(0, 8))
        amount, code = draw.amount(), draw.choice(list(CURRENCIES))
        word, answer, status = draw.choice(
            [
                ("0", "0000", "paid"),
                ("0", "0099", "paid"),
                ("1", "0000", "authorized"),
                ("0", "0190", "failed"),
                ("3", "0900", "refund_relative"),
            ]
        )
        fields = {
            "Ds_Date": draw.choice(["22/10/2026", "22%2F10%2F2026"]),
            "Ds_Hour": draw.choice(["22:51", "22%3A51"]),
            "Ds_Amount": str(amount.minor),
            "Ds_Currency": code,
            "Ds_Order": reference,
            "Ds_MerchantCode": "999008881",
            "Ds_Terminal": "001",
            "Ds_Response": answer,
            "Ds_TransactionType": word,
            "Ds_AuthorisationCode": draw.choice(["052029", "      "]),
            "Ds_MerchantData": draw.text(),
        }
        version = draw.choice(SIGNATURE_VERSIONS)
        signer = get_signer(self.secret, version)
        encoded = draw.choice([signer.encode_parameters(fields), self._encoded(draw, fields, version)])
        sign = signer.sign(reference, encoded).decode()
        # Real notifications write the first version's in the other alphabet.
        sign = draw.choice([sign, sign.replace("+", "-").replace("/", "_")])
        form = {"Ds_SignatureVersion": version, "Ds_MerchantParameters": encoded.decode(), "Ds_Signature": sign}
        body = draw.form(draw.shuffled(form))
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        expect = understood(None, reference, amount, CURRENCIES[code], status)
        return Callback(
            headers,
            body.encode(),
            expect=[expect],
            signed=(max(re.findall("[A-Za-z0-9]+", encoded.decode()), key=len),),
        )

    def _encoded(self, draw, fields, version):
        """As other writers of JSON would have it."""
        text = base64.urlsafe_b64encode(draw.json(dict(draw.shuffled(fields))))
        return text.rstrip(b"=") if version.endswith("V2") else text.replace(b"-", b"+").replace(b"_", b"/")

    def proves(self, callback):
        form = dict(urllib.parse.parse_qsl(callback.text))
        try:
            self.library.parse_response(form)
            proven = True
        except (ValueError, KeyError):
            proven = False
        if form["Ds_SignatureVersion"] == "HMAC_SHA256_V1":
            assert ask("redsys.verify", self.secret, form) == proven, form
        return proven
