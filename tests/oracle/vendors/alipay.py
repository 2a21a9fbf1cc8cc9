"""https://opendocs.alipay.com/open/203/105286: one library signs, the other verifies."""

import urllib.parse

import alipay

from .callback import Callback
from .keys import gateway_keys
from .node import ask
from .vendor import Vendor, understood

APP = "2021000117654321"
SELLER = "2088102146225135"


class Alipay(Vendor):
    kind = "alipay"
    settings = {"alipay_public_key_pem": gateway_keys().public_pem, "app_id": APP, "seller_id": SELLER}
    signing = {"private_key_pem": gateway_keys().private_pem}
    currency = "CNY"

    def __init__(self):
        private, public = gateway_keys().private_pem, gateway_keys().public_pem
        self.library = alipay.AliPay(APP, app_private_key_string=private, alipay_public_key_string=public)

    def callback(self, draw):
        payment, reference, amount = draw.digits(28), draw.reference(), draw.amount()
        word, status = draw.choice(
            [("TRADE_SUCCESS", "paid"), ("TRADE_CLOSED", "expired"), ("WAIT_BUYER_PAY", "pending")]
        )
        fields = {
            "app_id": APP,
            "seller_id": SELLER,
            "charset": "utf-8",
            "notify_id": draw.digits(34),
            "notify_time": draw.moment("%Y-%m-%d %H:%M:%S"),
            "trade_no": payment,
            "out_trade_no": reference,
            "total_amount": amount.major,
            "trade_status": word,
            "subject": draw.text(),
            "body": draw.text(),
            # The merchant encodes these once himself.
            "passback_params": urllib.parse.quote(draw.text()),
        }
        # The gateway sends no empty fields, and its libraries do not agree on them: PHP's drops them, the others sign.
        fields = {name: value for name, value in fields.items() if value}
        # Some products sign this one too.
        kept = {"sign_type": "RSA2"} if draw.choice([True, False, False]) else {}
        text = "&".join(f"{name}={value}" for name, value in sorted((fields | kept).items()))
        sign = self.library._sign(text)
        sent = fields | {"sign_type": "RSA2", "sign": sign}
        body = draw.form(draw.shuffled(sent))
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        expect = understood(payment, reference, amount, "CNY", status)
        return Callback(headers, body.encode(), expect=[expect], signed=(payment, fields["notify_id"]))

    def proves(self, callback):
        form = dict(urllib.parse.parse_qsl(callback.text, keep_blank_values=True))
        proven = ask("alipay.verify", APP, gateway_keys().private_pem, gateway_keys().public_pem, form)
        # The library for Python knows nothing of the products that sign their sign_type.
        assert proven or not self.library.verify(dict(form), form["sign"]), form
        return proven
