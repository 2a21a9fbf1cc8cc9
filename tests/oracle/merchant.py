"""The order service: registers payments, asks for them, and follows their updates, by grpcio."""

import threading

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from payment_status.v1 import payment_status_pb2 as api
from payment_status.v1 import payment_status_pb2_grpc as rpc
from payment_status.v1 import transaction_pb2 as model

from program import PATIENCE, eventually


class Merchant:
    def __init__(self, address):
        self.channel = grpc.insecure_channel(address)
        self.service = rpc.PaymentStatusStub(self.channel)

    def register(self, payment, gateway):
        expected = model.Money(currency_code=payment.currency, minor_units=payment.amount)
        request = api.RegisterTransactionRequest(
            transaction_id=payment.reference, order_id="cart-1", gateway=gateway, expected=expected
        )
        return self.service.RegisterTransaction(request, timeout=PATIENCE)

    def transaction(self, payment):
        request = api.GetTransactionRequest(transaction_id=payment.reference)
        return self.service.GetTransaction(request, timeout=PATIENCE).transaction

    def status(self, payment):
        return status(self.transaction(payment))

    def close(self):
        self.channel.close()


class Follower:
    """Watches everything in a thread, and keeps each transaction's updates."""

    def __init__(self, merchant, cursor=""):
        self.cursor = cursor
        self.updates = {}
        self.ended = None
        start = api.WATCH_START_UNSPECIFIED if cursor else api.WATCH_START_EARLIEST
        request = api.WatchTransactionsRequest(after_cursor=cursor, start=start)
        self.stream = merchant.service.WatchTransactions(request)
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def _follow(self):
        try:
            for response in self.stream:
                for update in response.updates.updates:
                    self.updates.setdefault(update.transaction.transaction_id, []).append(update)
                self.cursor = response.cursor
        except grpc.RpcError as error:
            self.ended = error

    def sees(self, transaction):
        """Every update of it, from the first to this state; without a hole or a repeat."""
        seen = lambda: self.updates.get(transaction.transaction_id, [])
        eventually("the stream brings the last version", lambda: len(seen()) >= transaction.version)
        versions = [update.transaction.version for update in seen()]
        assert versions == list(range(1, transaction.version + 1))
        assert seen()[-1].transaction == transaction
        return seen()

    def close(self):
        self.stream.cancel()
        self.thread.join(PATIENCE)


def status(transaction):
    return model.TransactionStatus.Name(transaction.status).removeprefix("TRANSACTION_STATUS_")


def dispute(transaction):
    return model.DisputeState.Name(transaction.dispute).removeprefix("DISPUTE_STATE_")


def holds(transaction):
    return [model.Hold.Name(hold).removeprefix("HOLD_") for hold in transaction.holds]


def refusal(error):
    """What an error says to programs: its code and the messages in its details, by type."""
    known = {kind.DESCRIPTOR.full_name: kind for kind in _DETAILS}
    found = {}
    for detail in rpc_status.from_call(error).details:
        name = detail.type_url.rpartition("/")[2]
        detail.Unpack(message := known[name]())
        found[name.rpartition(".")[2]] = message
    return error.code(), found


_DETAILS = (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo)
