"""https://pay.weixin.qq.com/doc/v3/merchant/4012071382: one library signs and encrypts, the other verifies and decrypts."""

import json

import wechatpayv3

from .callback import Callback
from .draw import Draw
from .keys import gateway_keys
from .node import ask
from .vendor import Vendor, understood

SERIAL = "PUB_KEY_ID_0116000000002024010100000000000001"


class WechatPay(Vendor):
    kind = "wechatpay"
    secret = Draw().name(count=32)
    settings = {"platform_public_key_pem": gateway_keys().public_pem, "serial": SERIAL}
    signing = {"private_key_pem": gateway_keys().private_pem}
    currency = "CNY"

    def __init__(self):
        self.library = wechatpayv3.WeChatPay(
            wechatpayv3.WeChatPayType.NATIVE,
            mchid="1230000109",
            private_key=gateway_keys().private_pem,
            cert_serial_no="444F",
            appid="wxd678efh567hg6787",
            apiv3_key=self.secret,
            public_key=gateway_keys().public_pem,
            public_key_id=SERIAL,
        )

    def callback(self, draw):
        original, inner, expect = draw.choice([self._transaction, self._refund])(draw)
        nonce, data = draw.name(count=12), draw.choice(["", original])
        plain = json.dumps(inner, ensure_ascii=draw.choice([True, False]))
        resource = {
            "original_type": original,
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": ask("wechatpay.encrypt", plain, self.secret, nonce, data),
            "associated_data": data,
            "nonce": nonce,
        }
        event = {
            "id": draw.name("EV-"),
            "create_time": draw.moment("%Y-%m-%dT%H:%M:%S+08:00"),
            "resource_type": "encrypt-resource",
        }
        event |= {
            "event_type": f"{original.upper()}.SUCCESS",
            "summary": draw.text(),
            "resource": dict(draw.shuffled(resource)),
        }
        body = draw.json(event)
        moment, nonce = str(draw.now), draw.name(count=32)
        headers = {"Content-Type": "application/json", "Wechatpay-Timestamp": moment, "Wechatpay-Nonce": nonce}
        headers |= {"Wechatpay-Serial": SERIAL, "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048"}
        text = f"{moment}\n{nonce}\n{body.decode()}\n"
        headers["Wechatpay-Signature"] = ask("wechatpay.sign", gateway_keys().private_pem, text)
        return Callback(headers, body, expect=[expect])

    def _transaction(self, draw):
        payment, reference, amount = draw.digits(28), draw.reference(), draw.amount()
        word, status = draw.choice([("SUCCESS", "paid"), ("CLOSED", "canceled"), ("PAYERROR", "failed")])
        inner = {
            "mchid": "1230000109",
            "appid": "wxd678efh567hg6787",
            "transaction_id": payment,
            "out_trade_no": reference,
        }
        inner |= {
            "trade_state": word,
            "trade_state_desc": draw.text(),
            "success_time": draw.moment("%Y-%m-%dT%H:%M:%S+08:00"),
        }
        inner |= {
            "amount": {"total": amount.minor, "payer_total": amount.minor, "currency": "CNY"},
            "attach": draw.text(),
        }
        return "transaction", inner, understood(payment, reference, amount, "CNY", status)

    def _refund(self, draw):
        payment, reference, refund, amount = draw.digits(28), draw.reference(), draw.digits(29), draw.amount()
        inner = {"mchid": "1230000109", "transaction_id": payment, "out_trade_no": reference, "refund_id": refund}
        inner |= {"out_refund_no": draw.name(), "refund_status": "SUCCESS"}
        inner |= {"amount": {"total": amount.minor * 2, "refund": amount.minor, "payer_total": amount.minor * 2}}
        return "refund", inner, understood(payment, reference, amount, "CNY", "refund_relative", refund_id=refund)

    def proves(self, callback):
        try:
            return bool(self.library.callback(callback.headers, callback.text))
        except UnicodeEncodeError:
            return False
