//! What follows from a look at a person: who may have nothing any more, who gets something again, when to look next. Pure.

use std::ops::Bound;

use consent::{Reason, SubjectState, Transfers, moments};
use jiff::Timestamp;
use schemas::{EntityKey, Kind, PartnerId};

use crate::{
    config::{Configuration, Outgoing, Partner},
    delivery::{hash_of_notice, notice_of},
    disclosure::{Disclosure, Permit},
    eligibility::{between, linked},
    progress::Progress,
    store::{Shown, Standing, Version},
};

/// Why a person is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A moment has come.
    Time,
    /// Something has happened; whoever brought it about sends what may go now.
    Event,
    /// Other instruments are in force.
    Instruments,
}

impl Cause {
    /// The word in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Event => "event",
            Self::Instruments => "instruments",
        }
    }
}

/// A person as it stands.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// What the person allowed.
    pub standing: &'a Standing,
    /// How far the person has come with employers.
    pub progress: &'a Progress,
    /// What recipients may have.
    pub shown: &'a [Shown],
    /// What there is to be sent.
    pub version: Option<&'a Version>,
}

/// What follows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Consequences {
    /// Who may have nothing of that kind, and why.
    pub denied: Vec<(PartnerId, Kind, &'static str)>,
    /// Whose permission has run out, with the send that went under it.
    pub run_out: Vec<(PartnerId, EntityKey, i64)>,
    /// Who may have the newest version and was sent none, or under another permission than the one that holds now.
    pub to_send: Vec<PartnerId>,
    /// The next moment at which something begins or ends.
    pub next_at: Option<Timestamp>,
}

/// Says what follows.
pub fn consequences(
    configuration: &Configuration,
    person: &Person<'_>,
    (cause, now): (Cause, Timestamp),
) -> Consequences {
    let Person { standing, progress, shown, version } = *person;
    // Moments of instruments come for everybody at once: see `instruments.rs`.
    let moments = moments(&standing.grants, &Transfers::default());
    let next_at = moments.range((Bound::Excluded(now), Bound::Unbounded)).next().copied();
    let is_over = |one: &&Shown| one.valid_until.is_some_and(|end| end <= now.as_microsecond());
    let run_out = shown.iter().filter(is_over).map(|one| (one.partner.clone(), one.entity_key, one.sent_at)).collect();
    let mut found = Consequences { run_out, next_at, ..Consequences::default() };
    if standing.restricted_since.is_some() {
        // Nothing new goes, and nothing that is there is ended; the person is looked at when that is lifted.
        return found;
    }
    let decide = |source: &Partner, receiver: &Partner, outgoing: &Outgoing, kind| {
        let about = (kind, EntityKey::from(standing.version.subject), SubjectState::Known);
        let disclosure = Disclosure { source, receiver, outgoing, progress };
        let permit = disclosure.decide(about, &standing.grants, (&configuration.settings, now))?;
        let kept_until = disclosure.kept_until(&permit.obligations);
        Ok((permit, kept_until))
    };
    for one in shown.iter().filter(|one| !one.is_recalled) {
        let (source, receiver) = (configuration.partners.get(&one.source), configuration.partners.get(&one.partner));
        let outgoing = receiver.and_then(|receiver| receiver.outgoing.get(&one.kind));
        let why = match (source, receiver, outgoing) {
            (Some(source), Some(receiver), Some(outgoing)) => match decide(source, receiver, outgoing, one.kind) {
                Ok((_, kept_until)) => {
                    // What it has is asked back when it may not be kept any longer.
                    found.next_at = found.next_at.into_iter().chain(kept_until).min();
                    None
                }
                Err(why) => Some(why),
            },
            // Nobody can tell any more what may go there: what it was sent for a time ends with that.
            _ => is_over(&one).then_some(Reason::Expired),
        };
        found.denied.extend(why.map(|why| (one.partner.clone(), one.kind, why.code())));
    }
    let Some((version, source)) =
        version.and_then(|version| Some((version, configuration.partners.get(&version.partner)?)))
    else {
        return found;
    };
    let obstacle = |source: &Partner, receiver: &Partner, outgoing: &Outgoing| {
        between(source, receiver, outgoing).or_else(|| linked(standing, receiver))
    };
    for (receiver, outgoing) in configuration.receivers(version.kind) {
        match decide(source, receiver, outgoing, version.kind) {
            Ok((permit, _)) => {
                let is_wanted =
                    cause != Cause::Event && version.is_open && obstacle(source, receiver, outgoing).is_none();
                if is_wanted && !has(shown, (&receiver.id, version.kind), &permit, cause) {
                    found.to_send.push(receiver.id.clone());
                }
            }
            // Also where nothing was sent: a send may begin while this is looked at.
            Err(why) => found.denied.push((receiver.id.clone(), version.kind, why.code())),
        }
    }
    found.denied.dedup();
    found
}

/// Whether a recipient has what it may have, as it may have it.
fn has(shown: &[Shown], (partner, kind): (&PartnerId, Kind), permit: &Permit, cause: Cause) -> bool {
    let hash = hash_of_notice(&notice_of(permit));
    // What an earlier version sent went under nobody knows what; other instruments change nobody's mask.
    let is_so = |one: &Shown| one.went_under(hash).unwrap_or(cause == Cause::Instruments);
    shown.iter().any(|one| (&one.partner, one.kind) == (partner, kind) && !one.is_recalled && is_so(one))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path, sync::Arc};

    use consent::Grant;
    use schemas::{Hash, Position};
    use uuid::Uuid;

    use super::*;
    use crate::{
        config::{Secrets, Settings},
        store::SubjectVersion,
    };

    const MOMENT: &str = "2026-06-01T12:00:00Z";

    /// A service in Morocco, two employers in Belgium of whom one is permitted, and instruments.
    fn configuration() -> Configuration {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/consent/passerelle.toml");
        let employer = |number: &str| {
            format!(
                "country = \"BE\"\nrole = \"employer\"\nlegal_id = \"be-kbo:{number}\"\n[outgoing.talent_profile]\n\
                 dialect = \"hropen-json\"\nconnector = {{ kind = \"rest\", base_url = \"http://x\" }}\n\
                 [outgoing.talent_profile.consent]\npurposes = [\"dpv:RecruitmentApplicantSelection\"]\npresents = true\n"
            )
        };
        let files = [
            ("anapec", "country = \"MA\"\nrole = \"public_service\"\n".to_owned()),
            ("acme", employer("0999999922")),
            ("zenith", employer("0000000097")),
        ];
        let partners = files.map(|(id, rest)| {
            let partner = Partner::parse(id, &format!("name = \"X\"\n{rest}")).unwrap();
            (partner.id.clone(), Arc::new(partner))
        });
        Configuration {
            settings: Settings::load(Some(Path::new(file))).unwrap(),
            partners: partners.into_iter().collect(),
            secrets: Secrets::default(),
            key_ring: None,
            hash: Hash::of(b"configuration"),
            file: None,
            fingerprint: Hash::of(b"configuration"),
        }
    }

    fn subject() -> Uuid {
        "5d0c7a9e-3b1f-4f7e-8a64-1c2e9b7d0f11".parse().unwrap()
    }

    fn id(text: &str) -> PartnerId {
        text.parse().unwrap()
    }

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    /// A person who has permitted something until 2027-03-02.
    fn standing() -> Standing {
        let grant: Grant = serde_json::from_str(include_str!("../../../tests/consent/grant.json")).unwrap();
        let version = SubjectVersion { subject: subject(), version: 1 };
        Standing {
            version,
            grants: vec![grant],
            progress: None,
            restricted_since: None,
            linked: BTreeSet::new(),
            other_sources: BTreeSet::new(),
        }
    }

    fn version() -> Version {
        Version {
            entity_key: subject().into(),
            position: Position { generation: 1, offset: 1 },
            message_id: Uuid::from_u128(1).into(),
            partner: id("anapec"),
            kind: Kind::TalentProfile,
            reference: None,
            content_hash: Hash::of(b"content"),
            is_open: true,
            modified_at: None,
            recipients: Vec::new(),
            canonical: Vec::new(),
        }
    }

    fn shown(to: &str) -> Shown {
        Shown {
            partner: id(to),
            entity_key: subject().into(),
            kind: Kind::TalentProfile,
            source: id("anapec"),
            sent_at: 1,
            mark: None,
            valid_until: None,
            is_recalled: false,
        }
    }

    fn found(standing: &Standing, shown: &[Shown], (cause, now): (Cause, &str)) -> Consequences {
        let version = version();
        let progress = Progress::default();
        let person = Person { standing, progress: &progress, shown, version: Some(&version) };
        consequences(&configuration(), &person, (cause, now.parse().unwrap()))
    }

    /// Who may have nothing, with the reasons.
    fn denied(found: &Consequences) -> Vec<(&str, &str)> {
        found.denied.iter().map(|(partner, _, why)| (partner.as_str(), *why)).collect()
    }

    #[test]
    fn what_may_go_goes_to_those_who_do_not_have_it() {
        let standing = standing();
        let sent = |shown: &[Shown], cause| found(&standing, shown, (cause, MOMENT)).to_send;
        assert_eq!(sent(&[], Cause::Time), [id("acme")]);
        assert_eq!(sent(&[], Cause::Instruments), [id("acme")]);
        assert_eq!(sent(&[], Cause::Event), [], "whoever brought it about sends it");
        assert_eq!(sent(&[shown("acme")], Cause::Time), [id("acme")], "nobody knows under which mask it went");
        assert_eq!(sent(&[shown("acme")], Cause::Instruments), [], "an instrument is no mask");
        let recalled = Shown { is_recalled: true, ..shown("acme") };
        assert_eq!(sent(&[recalled], Cause::Instruments), [id("acme")], "behind the recall");
        let other = Shown { mark: Some(Hash::of(b"another mask")), ..shown("acme") };
        assert_eq!(sent(&[other], Cause::Instruments), [id("acme")]);
    }

    #[test]
    fn nobody_is_sent_whom_it_brought_itself() {
        let linked = Standing { other_sources: [id("acme")].into(), ..standing() };
        let later = found(&linked, &[], (Cause::Time, MOMENT));
        assert_eq!(later.to_send, []);
        assert_eq!(
            denied(&later),
            [("zenith", "recipient_not_named")],
            "nothing was taken back, and nothing is asked back"
        );
    }

    #[test]
    fn who_may_have_nothing_is_named_with_the_reason() {
        let standing = standing();
        let both = [shown("acme"), shown("zenith")];
        let now = found(&standing, &both, (Cause::Event, MOMENT));
        assert_eq!(denied(&now), [("zenith", "recipient_not_named")]);
        assert_eq!(now.next_at, Some("2027-03-02T09:05:00Z".parse().unwrap()));
        let over = found(&standing, &both, (Cause::Time, "2027-03-02T09:05:00Z"));
        let expired = [("acme", "consent_expired"), ("zenith", "consent_expired")];
        assert_eq!(denied(&over)[..2], expired, "the very moment is over");
        assert_eq!((over.to_send, over.next_at), (Vec::new(), None));
    }

    #[test]
    fn what_a_partner_has_that_is_none_any_more_ends_with_its_time() {
        let standing = standing();
        let gone = Shown { valid_until: Some(at(MOMENT)), ..shown("gone") };
        let before = found(&standing, std::slice::from_ref(&gone), (Cause::Event, "2026-06-01T11:59:59Z"));
        assert_eq!(denied(&before), [("zenith", "recipient_not_named")]);
        assert_eq!(before.run_out, []);
        let after = found(&standing, &[gone], (Cause::Time, MOMENT));
        assert_eq!(denied(&after)[0], ("gone", "consent_expired"));
        assert_eq!(after.run_out, [(id("gone"), subject().into(), 1)]);
    }

    #[test]
    fn nothing_follows_for_whoever_is_to_be_left_alone() {
        let restricted = Standing { restricted_since: Some(1), ..standing() };
        let run_out = Shown { valid_until: Some(1), ..shown("acme") };
        let later = found(&restricted, &[run_out], (Cause::Time, "2030-01-01T00:00:00Z"));
        assert_eq!((denied(&later), &later.to_send), (Vec::new(), &Vec::new()));
        assert_eq!(later.run_out.len(), 1, "it was looked at, and is when that is lifted");
    }
}
