"""Tools find their way: health, reflection, and reasons that programs can switch on."""

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from payment_status.v1 import payment_status_pb2 as api
from payment_status.v1 import transaction_pb2 as model

from deployment import Deployment
from gateways import GATEWAYS, Payment
from merchant import Merchant, refusal

SERVICE = "payment_status.v1.PaymentStatus"


def test_it_says_that_it_is_healthy(merchant):
    health = health_pb2_grpc.HealthStub(merchant.channel)
    for name in ("", SERVICE):
        assert health.Check(health_pb2.HealthCheckRequest(service=name)).status == health_pb2.HealthCheckResponse.SERVING


def test_it_describes_itself(merchant):
    described = ProtoReflectionDescriptorDatabase(merchant.channel)
    assert SERVICE in described.get_services()
    methods = DescriptorPool(described).FindServiceByName(SERVICE).methods_by_name
    assert set(methods) == {method.name for method in api.DESCRIPTOR.services_by_name["PaymentStatus"].methods}


def _call(merchant, method, request):
    with pytest.raises(grpc.RpcError) as raised:
        answer = getattr(merchant.service, method)(request, timeout=10)
        list(answer if method == "WatchTransactions" else [answer])
    code, details = refusal(raised.value)
    assert details["ErrorInfo"].domain == "payment-status"
    return code, details["ErrorInfo"].reason, details


def test_what_is_unknown_is_not_found(merchant):
    unknown = api.GetTransactionRequest(transaction_id="nobody")
    assert _call(merchant, "GetTransaction", unknown)[:2] == (grpc.StatusCode.NOT_FOUND, "TRANSACTION_UNKNOWN")
    unknown = api.ListTransactionUpdatesRequest(transaction_id="nobody")
    assert _call(merchant, "ListTransactionUpdates", unknown)[:2] == (grpc.StatusCode.NOT_FOUND, "TRANSACTION_UNKNOWN")
    money = model.Money(currency_code="EUR", minor_units=1)
    unknown = api.RegisterTransactionRequest(transaction_id="a", gateway="nobody", expected=money)
    assert _call(merchant, "RegisterTransaction", unknown)[:2] == (grpc.StatusCode.NOT_FOUND, "GATEWAY_UNKNOWN")


def test_a_wrong_field_is_named(merchant):
    request = api.RegisterTransactionRequest(transaction_id="a", gateway="stripe", expected=model.Money(currency_code="eur", minor_units=-1))
    code, reason, details = _call(merchant, "RegisterTransaction", request)
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    assert all(violation.field.startswith("expected") for violation in details["BadRequest"].field_violations)


def test_another_registration_under_the_same_name_is_a_conflict(merchant):
    payment = Payment()
    first = merchant.register(payment, "stripe").transaction
    assert merchant.register(payment, "stripe").transaction == first
    request = api.RegisterTransactionRequest(
        transaction_id=payment.reference, gateway="stripe", expected=model.Money(currency_code="EUR", minor_units=1)
    )
    assert _call(merchant, "RegisterTransaction", request)[:2] == (grpc.StatusCode.ALREADY_EXISTS, "TRANSACTION_CONFLICT")


def test_a_forged_callback_is_unauthenticated(merchant, gateway):
    forged = gateway.forge(gateway.event("paid", Payment()))
    headers = [api.Header(name=name, value=value.encode()) for name, value in forged.headers.items()]
    request = api.ProcessCallbackRequest(gateway=gateway.name, method="POST", path=forged.path, headers=headers, body=forged.body)
    code, reason, details = _call(merchant, "ProcessCallback", request)
    assert (code, reason) == (grpc.StatusCode.UNAUTHENTICATED, "SIGNATURE_INVALID")
    assert details["ErrorInfo"].metadata["http_status"] == "401"


def test_a_cursor_of_another_history_is_refused(merchant, tmp_path):
    other = Deployment("serve", f"sqlite://{tmp_path}/other.db", tmp_path)
    try:
        stranger = Merchant(other.grpc)
        cursor = stranger.register(Payment(), GATEWAYS[0].name).cursor
        stranger.close()
    finally:
        other.kill()
    merchant.register(Payment(), GATEWAYS[0].name)
    request = api.WatchTransactionsRequest(after_cursor=cursor)
    assert _call(merchant, "WatchTransactions", request)[:2] == (grpc.StatusCode.FAILED_PRECONDITION, "CURSOR_DIVERGED")
