"""A gateway as its own library knows it."""


class Vendor:
    """`callback` makes what the gateway would send; `proves` asks the vendor's library."""

    kind = ""
    secret = ""
    settings = {}
    # What only `simulate` needs: it signs where the settings otherwise only verify.
    signing = {}
    currency = "EUR"
    # The merchant's account, where callbacks must name one.
    account = None
    # What `simulate` can play. Not every gateway reports its refunds.
    scenarios = ("success", "refund", "forged")

    @property
    def name(self):
        return self.kind

    def callback(self, draw):
        raise NotImplementedError

    def proves(self, callback):
        raise NotImplementedError

    def altered(self, callback, draw):
        return callback.altered(draw)


def understood(payment_id, reference, amount, currency, status, **more):
    """The fields that must come out, named as `inspect` names them."""
    shown = {"gateway_payment_id": payment_id, "merchant_reference": reference, "status": status}
    shown |= {"amount_minor": amount and amount.minor, "currency": currency}
    return shown | more


def accepts(*refusals):
    """Turns a check that raises when it refuses into one that answers."""

    def answering(check):
        def answer(self, callback):
            try:
                return check(self, callback) is not False
            except refusals:
                return False

        return answer

    return answering
