//! Sorts what brokers answer into outcomes.
//!
//! A copy of a record changes nothing for whoever reads the newest of each key, so an unanswered send is repeated.

use rdkafka::types::RDKafkaErrorCode as Code;

use crate::outcome::{Fault, Outcome, code};

/// What came of a record that was not taken. `trouble` is what the connection last complained of.
pub(super) fn sorted(error: Code, trouble: Option<Code>) -> Outcome {
    match error {
        Code::MessageSizeTooLarge => rejected("too_large", error),
        Code::InvalidRecord | Code::PolicyViolation => rejected("rejected", error),
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition | Code::InvalidTopic => {
            retry(code::NO_TOPIC, error)
        }
        _ if is_refusal(error) => retry(code::UNAUTHORISED, error),
        Code::QueueFull => retry(code::LATER, error),
        Code::NotEnoughReplicas => retry(code::PARTNER_FAILED, error),
        Code::MessageTimedOut => match trouble {
            Some(trouble) if is_refusal(trouble) => retry(code::UNAUTHORISED, trouble),
            // It may have been written by a broker that then fell silent.
            Some(trouble) => ambiguous(code::TIME_OUT, trouble),
            None => ambiguous(code::TIME_OUT, error),
        },
        _ => ambiguous(code::NO_ANSWER, error),
    }
}

/// Whether a broker does not let us in, or not do this.
pub(super) fn is_refusal(error: Code) -> bool {
    matches!(
        error,
        Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
    )
}

fn rejected(code: &str, error: Code) -> Outcome {
    Outcome::Rejected { faults: vec![Fault { pointer: None, code: code.to_owned(), problem: error.to_string() }] }
}

fn retry(code: &'static str, error: Code) -> Outcome {
    Outcome::Retry { code, detail: error.to_string(), after: None }
}

fn ambiguous(code: &'static str, error: Code) -> Outcome {
    Outcome::Ambiguous { code, detail: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_has_its_outcome() {
        for (error, trouble, expected) in [
            (Code::MessageSizeTooLarge, None, "rejected"),
            (Code::PolicyViolation, None, "rejected"),
            (Code::UnknownTopicOrPartition, None, "no_topic"),
            (Code::UnknownTopic, None, "no_topic"),
            (Code::TopicAuthorizationFailed, None, "unauthorised"),
            (Code::MessageTimedOut, Some(Code::Authentication), "unauthorised"),
            (Code::MessageTimedOut, Some(Code::AllBrokersDown), "in doubt: time_out"),
            (Code::MessageTimedOut, None, "in doubt: time_out"),
            (Code::NotEnoughReplicas, None, "partner_failed"),
            (Code::NotEnoughReplicasAfterAppend, None, "in doubt: no_answer"),
            (Code::QueueFull, None, "later"),
            (Code::OutOfOrderSequenceNumber, None, "in doubt: no_answer"),
        ] {
            let class = match sorted(error, trouble) {
                Outcome::Delivered { .. } => "delivered".to_owned(),
                Outcome::Retry { code, .. } => code.to_owned(),
                Outcome::Ambiguous { code, .. } => format!("in doubt: {code}"),
                Outcome::Rejected { .. } => "rejected".to_owned(),
            };
            assert_eq!(class, expected, "{error:?} {trouble:?}");
        }
    }
}
