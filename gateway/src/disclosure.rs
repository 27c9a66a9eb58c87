//! Whether what is about a person may go from one partner to another: one question, asked by the router in principle and
//! by delivery at every attempt.
//!
//! What is asked follows from the partner files, what was permitted from the store; [`consent::decide`] decides.
//! **Invariant:** there is no other way from a configuration to a [`Permit`], and without one nothing is written.

use std::collections::{BTreeMap, BTreeSet};

use consent::{
    Endpoint, EventName, Evidence, Grant, Obligations, Outcome, Reason, Receiver, Request, Stage, SubjectState,
    Withheld, moments,
};
use jiff::Timestamp;
use schemas::{Category, EntityKey, Kind, Mask, RecordType};

use crate::{
    config::{Outgoing, Partner, Settings},
    progress::Progress,
};

/// From whom to whom, and what for.
#[derive(Debug, Clone, Copy)]
pub struct Disclosure<'a> {
    /// Who said it.
    pub source: &'a Partner,
    /// Who would receive it.
    pub receiver: &'a Partner,
    /// How.
    pub outgoing: &'a Outgoing,
    /// How far the person has come with employers.
    pub progress: &'a Progress,
}

/// What may go, and on what conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    /// What is shown.
    pub mask: Mask,
    /// What is not, and why.
    pub withheld: BTreeMap<Category, Withheld>,
    /// What the receiver is obliged to.
    pub obligations: Obligations,
}

impl Disclosure<'_> {
    /// Whether it may be, now, by everything that the person has granted. Whoever asks has opened what is sealed: the keys
    /// are there, so that the person is known.
    pub fn decide(
        &self,
        (kind, person, state): (Kind, EntityKey, SubjectState),
        grants: &[Grant],
        (settings, now): (&Settings, Timestamp),
    ) -> Result<Permit, Reason> {
        let request = self.request(kind, person, state);
        let evidence = Evidence { grants, transfers: &settings.transfers, now };
        let decision = match kind {
            Kind::PlacementStatus => consent::decide_feedback(&request, &evidence),
            Kind::Vacancy | Kind::TalentProfile => consent::decide(&request, &evidence),
        };
        match decision.outcome {
            Outcome::Permit { mask, obligations, .. } => {
                if self.kept_until(&obligations).is_some_and(|end| end <= now) {
                    return Err(Reason::RetentionOver);
                }
                let withheld =
                    mask.withheld.iter().filter_map(|(name, why)| Some((name.parse().ok()?, *why))).collect();
                Ok(Permit { mask: shown(&mask.permitted, &withheld), withheld, obligations })
            }
            Outcome::Deny { reason, .. } => Err(reason),
        }
    }

    /// From when on it may not be so any longer, if nothing happens but that time passes: nothing, less, or more. What is so
    /// now is a permit, or none.
    pub fn valid_until(
        &self,
        about: (Kind, EntityKey, SubjectState),
        grants: &[Grant],
        (settings, now): (&Settings, Timestamp),
        permit: Option<&Permit>,
    ) -> Option<Timestamp> {
        let mut moments = moments(grants, &settings.transfers);
        moments.extend(permit.and_then(|permit| self.kept_until(&permit.obligations)));
        let mut later = moments.into_iter().filter(|moment| *moment > now);
        later.find(|moment| self.decide(about, grants, (settings, *moment)).ok().as_ref() != permit)
    }

    /// Until when the receiver may keep what it was sent, once the placement is over that it takes part in.
    pub fn kept_until(&self, obligations: &Obligations) -> Option<Timestamp> {
        Some(obligations.retention.after(self.progress.with(self.receiver).over_since?))
    }

    /// What is asked: everything that a record of the kind may hold.
    fn request(&self, kind: Kind, person: EntityKey, subject_state: SubjectState) -> Request {
        let wanted = self.outgoing.consent.as_ref();
        let categories = RecordType::of(kind).categories();
        let stands = self.progress.with(self.receiver);
        let presented = wanted.filter(|wanted| wanted.presents).map(|_| Stage::Presented);
        Request {
            subject: person.as_uuid(),
            subject_state,
            exporter: Endpoint { kind: self.source.role, country: self.source.country.clone() },
            recipient: Receiver {
                kind: self.receiver.role,
                country: self.receiver.country.clone(),
                partner: Some(self.receiver.id.clone()),
                legal_id: self.receiver.legal_id.clone(),
            },
            // Without purposes nothing is asked, which is denied.
            purposes: wanted.map(|wanted| wanted.purposes.clone()).unwrap_or_default(),
            actions: wanted.map(|wanted| wanted.actions.clone()).unwrap_or_default(),
            categories: categories
                .into_iter()
                .filter(|category| *category != Category::Record)
                .map(|category| category.as_str().to_owned())
                .collect(),
            stage: stands.stage.max(presented),
            happened: stands.over_since.map(|_| EventName::placement_closed()).into_iter().collect(),
        }
    }
}

/// The mask that shows what is permitted and says why the rest is not.
fn shown(permitted: &BTreeSet<Category>, withheld: &BTreeMap<Category, Withheld>) -> Mask {
    let mask = Mask::permitting(permitted.iter().copied());
    withheld.iter().fold(mask, |mask, (category, why)| mask.because(*category, why.code()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partner(id: &str, rest: &str) -> Partner {
        Partner::parse(id, &format!("name = \"X\"\n{rest}")).unwrap()
    }

    fn decided(receiver: &str) -> Result<Permit, Reason> {
        let mut grant: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/consent/grant.json")).unwrap();
        grant["processing"]["provisions"][0]["purposes"] = serde_json::json!(["dpv:RecruitmentApplicantSelection"]);
        let grant: Grant = serde_json::from_value(grant).unwrap();
        let source = partner("anapec", "country = \"MA\"\nrole = \"public_service\"\n");
        let receiver = partner("acme", receiver);
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/consent/passerelle.toml");
        let settings = Settings::load(Some(std::path::Path::new(file))).unwrap();
        let outgoing = &receiver.outgoing[&Kind::TalentProfile];
        let progress = Progress::default();
        let disclosure = Disclosure { source: &source, receiver: &receiver, outgoing, progress: &progress };
        let now = "2026-06-01T12:00:00Z".parse().unwrap();
        let person = grant.record().header.subject.into();
        disclosure.decide((Kind::TalentProfile, person, SubjectState::Known), &[grant], (&settings, now))
    }

    fn receiver(legal_id: &str, consent: &str) -> String {
        format!(
            "country = \"BE\"\nrole = \"employer\"\nlegal_id = \"{legal_id}\"\n[outgoing.talent_profile]\n\
             dialect = \"hropen-json\"\nconnector = {{ kind = \"rest\", base_url = \"http://x\" }}\n\
             [outgoing.talent_profile.consent]\n{consent}\n"
        )
    }

    #[test]
    fn a_permission_follows_from_the_files_of_both_partners() {
        let selection = "purposes = [\"dpv:RecruitmentApplicantSelection\"]\npresents = true";
        let permission = decided(&receiver("be-kbo:0999999922", selection)).unwrap();
        assert!(permission.mask.permits(Category::Identity) && permission.mask.permits(Category::Contact));
        assert!(!permission.mask.permits(Category::Picture), "not before an interview");
        assert_eq!(permission.withheld[&Category::Picture].code(), "category_excepted");
        assert_eq!(permission.withheld[&Category::Attachments].code(), "category_not_permitted");
        assert!(!permission.withheld.contains_key(&Category::Record), "it is never asked for");

        let unsaid = "purposes = [\"dpv:RecruitmentApplicantSelection\"]";
        let permission = decided(&receiver("be-kbo:0999999922", unsaid)).unwrap();
        assert_eq!(permission.withheld[&Category::Identity].code(), "category_too_early", "no stage is known");
        assert_eq!(decided(&receiver("be-kbo:0000000097", selection)), Err(Reason::Recipient));
        let more = "purposes = [\"dpv:RecruitmentApplicantSelection\", \"dpv:PersonnelHiring\"]";
        assert_eq!(decided(&receiver("be-kbo:0999999922", more)), Err(Reason::Purpose));
    }
}
