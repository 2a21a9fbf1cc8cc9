//! `ProcessCallback`: prove a callback, read it, record it, and say what the gateway wants to hear.

mod arrival;
mod evidence;
mod read;

use tonic::Request;

pub(super) use self::arrival::{Accepted, Arrival, NeedsCertificate, Unproven};
use super::{PaymentStatusService, error::Failure};
use crate::{
    proto::{ProcessCallbackRequest, ProcessCallbackResponse},
    store::Evidence,
    telemetry::trace,
};

pub(super) async fn handle(
    service: &PaymentStatusService,
    request: Request<ProcessCallbackRequest>,
) -> Result<ProcessCallbackResponse, Failure> {
    let (metadata, _, request) = request.into_parts();
    let arrival = Arrival::read(service, request, trace::traceparent(metadata.as_ref()))?;
    let (evidence, accepted) = proven(service, arrival).await?;
    let recorded = service.writer.record(vec![evidence]).await.pop();
    accepted.respond(service, recorded)
}

async fn proven(
    service: &PaymentStatusService,
    arrival: Arrival<'_>,
) -> Result<(Evidence, Accepted), Failure> {
    let at_hand = service.certificates.at_hand(arrival.now());
    let NeedsCertificate { url, arrival } = match arrival.check(service, &at_hand) {
        Ok(proven) => return Ok(proven),
        Err(Unproven::Refused(failure)) => return Err(failure),
        Err(Unproven::NeedsCertificate(needs)) => *needs,
    };
    match service.certificates.fetch(&url, arrival.now()).await {
        Ok(certificates) => arrival.check_again(service, &certificates),
        Err(_) => Err(arrival.give_up()),
    }
}
