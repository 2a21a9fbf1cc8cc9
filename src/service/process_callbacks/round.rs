use super::Answer;
use crate::{
    service::{PaymentStatusService, error::Failure, process_callback::Accepted},
    store::Evidence,
};

/// Callbacks of one call that are checked, each with its place in the call, and recorded together.
#[derive(Debug)]
pub(super) struct Round {
    refused: Vec<Answer>,
    evidence: Vec<Evidence>,
    /// As many, in the same order.
    accepted: Vec<(usize, Accepted)>,
}

impl Round {
    pub(super) fn of(callbacks: usize) -> Self {
        Self {
            refused: Vec::new(),
            evidence: Vec::with_capacity(callbacks),
            accepted: Vec::with_capacity(callbacks),
        }
    }

    pub(super) fn add(&mut self, index: usize, checked: Result<(Evidence, Accepted), Failure>) {
        match checked {
            Ok((evidence, accepted)) => {
                self.evidence.push(evidence);
                self.accepted.push((index, accepted));
            }
            Err(failure) => self.refused.push((index, Err(failure))),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.refused.is_empty() && self.accepted.is_empty()
    }

    /// Writes what is proven. The answers are in no order.
    pub(super) async fn record(self, service: &PaymentStatusService) -> Vec<Answer> {
        let Self { refused: mut answers, evidence, accepted } = self;
        if evidence.is_empty() {
            return answers;
        }
        let mut recorded = service.writer.record(evidence).await.into_iter();
        let each = accepted.into_iter();
        answers.extend(each.map(|(index, accepted)| (index, accepted.respond(service, recorded.next()))));
        answers
    }
}
