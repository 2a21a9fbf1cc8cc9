"""https://sandbox.vnpayment.vn/apis/docs/thanh-toan-pay/pay.html: a GET whose query is signed; a community library."""

import urllib.parse

from .callback import Callback
from .draw import Draw
from .node import ask
from .vendor import Vendor, understood


class Vnpay(Vendor):
    kind = "vnpay"
    secret = Draw().of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 32)
    settings = {"tmn_code": "2QXUI4J4"}
    currency = "VND"
    scenarios = ("success", "forged")

    def callback(self, draw):
        payment, reference, amount = draw.digits(8), draw.reference(), draw.amount(0)
        code, state, status = draw.choice(
            [("00", "00", "paid"), ("24", "02", "canceled"), ("11", "02", "expired"), ("51", "02", "failed")]
        )
        fields = {
            # Hundredths of a currency that has none.
            "vnp_Amount": str(amount.minor * 100),
            "vnp_BankCode": "NCB",
            "vnp_BankTranNo": draw.choice(["", "VNP14422574"]),
            "vnp_OrderInfo": draw.text(),
            "vnp_PayDate": draw.moment("%Y%m%d%H%M%S"),
            "vnp_ResponseCode": code,
            "vnp_TmnCode": "2QXUI4J4",
            "vnp_TransactionNo": payment,
            "vnp_TransactionStatus": state,
            "vnp_TxnRef": reference,
        }
        signed = ask("vnpay.sign", self.secret, fields)
        # Signed sorted and without the empty ones; sent in any order.
        pairs = [*signed["data"].split("&"), *(f"{name}=" for name, value in fields.items() if not value)]
        pairs.append(f"vnp_SecureHash={signed['hash']}")
        draw.shuffle(pairs)
        expect = understood(payment, reference, amount, "VND", status)
        return Callback(query="&".join(pairs), method="GET", expect=[expect], signed=(payment, signed["hash"]))

    def proves(self, callback):
        fields = dict(urllib.parse.parse_qsl(callback.query, keep_blank_values=True))
        return ask("vnpay.verify", self.settings["tmn_code"], self.secret, fields)
