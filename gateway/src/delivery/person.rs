//! What is different about persons: every send is decided, the receiver hears what is withheld and what it is obliged to,
//! and what the receiver answers is not kept in words.
//!
//! **Invariant:** what a receiver is told beside the document follows from the permission, never from the data.

use connectors::{Fault, Notice, Outcome};
use consent::{Onward, Reason, SubjectState};
use jiff::Timestamp;
use schemas::{EntityKey, Hash, hash_of};

use super::prepare::Preparer;
use crate::{
    config::Outgoing,
    disclosure::{Disclosure, Permit},
    eligibility::{Obstacle, linked},
    progress::Progress,
    store::{Decided, Owed},
};

/// What may go, and what that rests on.
pub struct Permitted {
    /// What.
    pub permit: Permit,
    /// What is told of it beside the document.
    pub notice: Notice,
    /// The decision, for the claim that rests on it.
    pub decided: Decided,
}

impl Preparer {
    /// Whether what is about a person may go to the partner now, by everything that is granted now.
    ///
    /// # Errors
    /// If the store does not answer.
    pub(super) async fn permission(
        &self,
        owed: &Owed,
        outgoing: &Outgoing,
    ) -> anyhow::Result<Result<Permitted, Obstacle>> {
        let configuration = &self.rules.configuration;
        // Who is no partner any more is nowhere: nothing says that its data may leave.
        let Some(source) = configuration.partners.get(&owed.origin.partner) else {
            return Ok(Err(Obstacle::Consent(Reason::NoInstrument)));
        };
        let person: EntityKey = owed.entity_key.person();
        let standing = self.store.standing_of(person.as_uuid()).await?;
        let progress = Progress::open(&self.bodies, &standing).await?;
        let disclosure = Disclosure { source, receiver: &self.partner, outgoing, progress: &progress };
        // Only now: whoever looks at persons because other instruments are in force moves the person's version on, and what
        // was decided here under those before is not claimed after that.
        let in_force = self.in_force.now();
        let now = (&in_force.configuration.settings, self.clock.now());
        let state = standing.restricted_since.map_or(SubjectState::Known, |_| SubjectState::Restricted);
        let about = (owed.kind, person, state);
        let permitted = disclosure.decide(about, &standing.grants, now).map_err(Obstacle::Consent);
        let permitted = permitted.and_then(|permit| linked(&standing, &self.partner).map_or(Ok(permit), Err));
        Ok(permitted.map(|permit| {
            let valid_until = disclosure.valid_until(about, &standing.grants, now, Some(&permit));
            let notice = notice_of(&permit);
            let decided = Decided {
                person: standing.version,
                permit: hash_of_notice(&notice),
                valid_until: valid_until.map(Timestamp::as_microsecond),
            };
            Permitted { permit, notice, decided }
        }))
    }
}

/// What a receiver is told beside the document, as structured fields (RFC 9651).
pub fn notice_of(permission: &Permit) -> Notice {
    let withheld = permission.withheld.iter().map(|(category, why)| format!("{category};reason={}", why.code()));
    let obligations = &permission.obligations;
    let onward = match obligations.onward {
        Onward::Deny => "deny",
        Onward::WithAuthorisation => "with-authorisation",
    };
    let change = if obligations.notify_on_change { ", notify-on-change" } else { "" };
    Notice {
        withheld: withheld.collect::<Vec<_>>().join(", "),
        // The period, not its end: the same decision gives the same bytes whenever it is made.
        obligations: format!("retention=\"{}\", onward={onward}{change}", obligations.retention),
    }
}

/// The hash of what a receiver is told beside the document: it is another one if the permission is.
pub fn hash_of_notice(notice: &Notice) -> Hash {
    hash_of(&[notice.withheld.as_bytes(), notice.obligations.as_bytes()])
}

/// An outcome without anything that the partner said in words of its own: they may repeat what it was sent.
///
/// Of its faults the places stay that are places of the document, whose names are the dialect's.
pub fn without_words(outcome: Outcome, document: &[u8]) -> Outcome {
    match outcome {
        Outcome::Delivered { .. } => Outcome::Delivered { foreign_reference: None },
        Outcome::Retry { code, after, .. } => Outcome::Retry { code, detail: String::new(), after },
        Outcome::Ambiguous { code, .. } => Outcome::Ambiguous { code, detail: String::new() },
        Outcome::Rejected { faults } => {
            let document: serde_json::Value = serde_json::from_slice(document).unwrap_or_default();
            let is_a_place = |pointer: &String| document.pointer(pointer.trim_start_matches('#')).is_some();
            let silent = |fault: Fault| Fault {
                pointer: fault.pointer.filter(is_a_place),
                code: "rejected".to_owned(),
                problem: String::new(),
            };
            Outcome::Rejected { faults: faults.into_iter().map(silent).collect() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partner_s_words_about_a_person_are_not_kept() {
        let fault = |pointer: &str| Fault {
            pointer: Some(pointer.to_owned()),
            code: "Zoubida".to_owned(),
            problem: "Zoubida is no name".to_owned(),
        };
        let faults = vec![fault("#/person/name"), fault("/person/Zoubida"), fault("")];
        let document = br#"{"person": {"name": {"given": "Zoubida"}}}"#;
        let kept = without_words(Outcome::Rejected { faults }, document);
        let Outcome::Rejected { faults } = &kept else { panic!("{kept:?}") };
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_deref()).collect();
        assert_eq!(pointers, [Some("#/person/name"), None, Some("")]);
        for outcome in [
            kept,
            without_words(Outcome::Delivered { foreign_reference: Some("Zoubida".to_owned()) }, b""),
            without_words(Outcome::Retry { code: "later", detail: "Zoubida".to_owned(), after: None }, b""),
            without_words(Outcome::Ambiguous { code: "no_answer", detail: "Zoubida".to_owned() }, b""),
        ] {
            assert!(!format!("{outcome:?}").contains("Zoubida"), "{outcome:?}");
        }
    }
}
