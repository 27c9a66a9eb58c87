//! Whether a vacancy may go to a partner, before anything is translated.

use schemas::{PartnerId, Record, Vacancy};

use crate::config::{Connector, Outgoing, Partner};

/// Why a vacancy does not go to a partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// It came from there.
    CameFromThere,
    /// The partner does not take this source's vacancies.
    NotSubscribed,
    /// It is for the employer's own people.
    Internal,
    /// The employer does not want it passed on.
    EmployerOptOut,
    /// It came from EURES and would go back there by another way.
    CameFromEures,
}

/// The first obstacle between a vacancy and a partner.
pub fn obstacle(record: &Record, source: &Partner, receiver: &Partner, outgoing: &Outgoing) -> Option<Obstacle> {
    let says = |name: &str| Vacancy::of(record).and_then(|vacancy| vacancy.eligibility(name)) == Some(true);
    let is_eures = |partner: &Partner| {
        partner.outgoing.values().any(|outgoing| matches!(outgoing.connector, Connector::EuresFeed { .. }))
    };
    if source.id == receiver.id && !receiver.is_co_owner {
        return Some(Obstacle::CameFromThere);
    }
    if !is_subscribed(outgoing, &source.id) {
        return Some(Obstacle::NotSubscribed);
    }
    if says("internal_only") {
        return Some(Obstacle::Internal);
    }
    if says("employer_opt_out") {
        return Some(Obstacle::EmployerOptOut);
    }
    if is_eures(source) && is_eures(receiver) {
        return Some(Obstacle::CameFromEures);
    }
    None
}

fn is_subscribed(outgoing: &Outgoing, source: &PartnerId) -> bool {
    outgoing.from.is_empty() || outgoing.from.contains(source)
}

#[cfg(test)]
mod tests {
    use schemas::Kind;
    use serde_json::json;

    use super::*;

    fn partner(id: &str, rest: &str) -> Partner {
        Partner::parse(id, &format!("name = \"X\"\ncountry = \"BE\"\nrole = \"public_service\"\n{rest}")).unwrap()
    }

    const REST: &str =
        "[outgoing.vacancy]\ndialect = \"canonical\"\nconnector = { kind = \"rest\", base_url = \"http://x\" }\n";
    const ONLY_ZENITH: &str = "[outgoing.vacancy]\ndialect = \"canonical\"\nfrom = [\"zenith\"]\nconnector = { kind = \"rest\", base_url = \"http://x\" }\n";
    const EURES: &str = "[outgoing.vacancy]\ndialect = \"eures-xml\"\nconnector = { kind = \"eures-feed\", token = \"t\", source = \"VDAB\" }\n";

    #[test]
    fn a_table_of_obstacles() {
        let table = [
            (json!({}), "acme", "", "agency", REST, None),
            (json!({}), "agency", "", "agency", REST, Some(Obstacle::CameFromThere)),
            (json!({}), "acme", "", "agency", ONLY_ZENITH, Some(Obstacle::NotSubscribed)),
            (json!({}), "zenith", "", "agency", ONLY_ZENITH, None),
            (json!({"eligibility": {"internal_only": true}}), "acme", "", "agency", REST, Some(Obstacle::Internal)),
            (json!({"eligibility": {"internal_only": false}}), "acme", "", "agency", REST, None),
            (
                json!({"eligibility": {"employer_opt_out": true}}),
                "acme",
                "",
                "agency",
                REST,
                Some(Obstacle::EmployerOptOut),
            ),
            (json!({}), "eures-nl", EURES, "eures-be", EURES, Some(Obstacle::CameFromEures)),
            (json!({}), "eures-nl", EURES, "agency", REST, None),
        ];
        for (record, source, source_rest, receiver, receiver_rest, expected) in table {
            let record = Record::from_json(Kind::Vacancy, &record).unwrap();
            let (source, receiver) = (partner(source, source_rest), partner(receiver, receiver_rest));
            let outgoing = &receiver.outgoing[&Kind::Vacancy];
            assert_eq!(
                obstacle(&record, &source, &receiver, outgoing),
                expected,
                "{record:?} from {} to {}",
                source.id,
                receiver.id
            );
        }
    }

    #[test]
    fn a_co_owner_hears_of_what_others_made_of_its_own() {
        let owner = partner("agency", &format!("co_owner = true\n{REST}"));
        let record = Record::new(Kind::Vacancy);
        assert_eq!(obstacle(&record, &owner, &owner, &owner.outgoing[&Kind::Vacancy]), None);
    }
}
