"""https://shopify.dev/docs/apps/build/webhooks/subscribe/https#step-2-validate-the-origin-of-your-webhook"""

import base64
import hashlib
import hmac

from .callback import Callback
from .draw import Draw, Number
from .node import ask
from .vendor import Vendor, understood


class Shopify(Vendor):
    kind = "shopify"
    secret = "shpss_" + Draw().of("0123456789abcdef", 32)
    currency = "USD"
    account = "shop1.myshopify.com"

    def callback(self, draw):
        topic, fields, expect = draw.choice([self._order, self._transaction, self._refund])(draw)
        body = draw.json(dict(draw.shuffled(fields)))
        proof = base64.b64encode(hmac.digest(self.secret.encode(), body, hashlib.sha256)).decode()
        names = {"Topic": topic, "Shop-Domain": "shop1.myshopify.com", "API-Version": "2025-10"}
        names |= {"Webhook-Id": draw.uuid(), "Event-Id": draw.uuid(), "Hmac-Sha256": proof}
        # The newer deliveries have the same headers without the X.
        prefix = draw.choice(["X-Shopify-", "shopify-"])
        headers = {f"{prefix}{name}": value for name, value in names.items()}
        return Callback({"Content-Type": "application/json"} | headers, body, expect=[expect])

    def _order(self, draw):
        order, name, amount = draw.digits(17), f"#{draw.randint(1, 9999)}", draw.amount()
        word, status = draw.choice(
            [("paid", "paid"), ("authorized", "authorized"), ("voided", "canceled"), ("pending", "pending")]
        )
        fields = {"id": Number(order), "name": name, "currency": "EUR", "total_price": amount.major, "test": False}
        fields |= {"financial_status": word, "note": draw.blank(), "cancel_reason": None}
        return "orders/updated", fields, understood(order, name, amount, "EUR", status, livemode=True)

    def _transaction(self, draw):
        order, amount = draw.digits(17), draw.amount()
        kind, state, status = draw.choice(
            [("sale", "success", "paid"), ("authorization", "success", "authorized"), ("sale", "failure", "failed")]
        )
        fields = {"id": Number(draw.digits(15)), "order_id": Number(order), "kind": kind, "status": state}
        fields |= {"amount": amount.major, "currency": "USD", "test": True, "message": draw.text(), "error_code": None}
        return "order_transactions/create", fields, understood(order, None, amount, "USD", status, livemode=False)

    def _refund(self, draw):
        order, refund, amount = draw.digits(17), draw.digits(17), draw.amount()
        money = {"kind": "refund", "status": "success", "amount": amount.major, "currency": "USD", "test": False}
        fields = {"id": Number(refund), "order_id": Number(order), "note": draw.text(), "transactions": [money]}
        fields |= {"refund_line_items": [], "order_adjustments": [], "created_at": draw.moment()}
        expect = understood(order, None, amount, "USD", "refund_relative", refund_id=refund, livemode=True)
        return "refunds/create", fields, expect

    def proves(self, callback):
        answer = ask("shopify.validate", self.secret, dict(callback.headers), callback.body.decode("utf-8", "replace"))
        return answer["valid"]
