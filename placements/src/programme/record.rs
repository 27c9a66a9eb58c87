//! How far a person has come in programmes, by everything that was said.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::ProgrammeStep;

/// Something that was said of a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// When it happened.
    pub effective_at: Timestamp,
    /// Its number at its source, if that counts what it says.
    pub sequence: Option<u64>,
    /// Who says it.
    pub source: String,
    /// What the source calls the event; with the source it is the event's name.
    pub id: String,
    /// The earlier event of the same source that this one stands for from now on.
    pub supersedes: Option<String>,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A step in a programme.
    Step {
        /// The programme.
        programme: String,
        /// The step.
        step: ProgrammeStep,
        /// Who takes it.
        organisation: Option<String>,
    },
    /// An employer on a matching platform picked the person out.
    Picked {
        /// The employer's country, ISO 3166-1 alpha-2; none if it is not known.
        country: Option<String>,
    },
    /// Something else, which may still stand for what was said before.
    Other,
}

/// A step that was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// When first; of what is inferred, when the first step was that implies it.
    pub at: Timestamp,
    /// Whether nobody said so.
    pub is_inferred: bool,
    /// Who took it, of those that were named.
    pub organisations: BTreeSet<String>,
}

/// How far one person has come in one programme.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CohortRecord {
    /// The steps that were reached; each is there once, however often it was said.
    pub steps: BTreeMap<ProgrammeStep, Reached>,
}

/// What was said of one person comes to, whatever the order in which it came and however often.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// By the name of the programme.
    pub programmes: BTreeMap<String, CohortRecord>,
    /// The countries of the employers that picked the person out; none where that is not known.
    pub picked_in: BTreeSet<Option<String>>,
}

/// What everything that was said of one person comes to: sorted by when it happened, then by the number at the source, then
/// by name; what something else stands for does not count.
pub fn standing(said: impl IntoIterator<Item = Said>) -> Standing {
    let said: BTreeSet<Said> = said.into_iter().collect();
    let superseded: BTreeSet<(String, String)> =
        said.iter().filter_map(|one| Some((one.source.clone(), one.supersedes.clone()?))).collect();
    let mut taken = BTreeSet::new();
    let mut standing = Standing::default();
    for Said { effective_at, source, id, what, .. } in said {
        let name = (source, id);
        if superseded.contains(&name) || !taken.insert(name) {
            continue;
        }
        match what {
            What::Step { programme, step, organisation } => {
                standing.programmes.entry(programme).or_default().reach(step, effective_at, organisation);
            }
            What::Picked { country } => {
                standing.picked_in.insert(country);
            }
            What::Other => {}
        }
    }
    standing
}

impl CohortRecord {
    /// Whether a step was reached, said or inferred.
    pub fn has_reached(&self, step: ProgrammeStep) -> bool {
        self.steps.contains_key(&step)
    }

    fn reach(&mut self, step: ProgrammeStep, at: Timestamp, organisation: Option<String>) {
        for implied in step.implies() {
            let inferred = Reached { at, is_inferred: true, organisations: BTreeSet::new() };
            self.steps.entry(*implied).or_insert(inferred);
        }
        let reached = Reached { at, is_inferred: false, organisations: BTreeSet::new() };
        let reached = self
            .steps
            .entry(step)
            .and_modify(|known| {
                if known.is_inferred {
                    *known = reached.clone();
                }
            })
            .or_insert(reached);
        reached.organisations.extend(organisation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(day: u8, id: &str, step: ProgrammeStep, organisation: Option<&str>) -> Said {
        Said {
            effective_at: format!("2026-03-{day:02}T09:00:00Z").parse().unwrap(),
            sequence: None,
            source: "service".to_owned(),
            id: id.to_owned(),
            supersedes: None,
            what: What::Step { programme: "Passage".to_owned(), step, organisation: organisation.map(str::to_owned) },
        }
    }

    fn words(record: &CohortRecord) -> Vec<String> {
        let inferred = |reached: &Reached| if reached.is_inferred { " inferred" } else { "" };
        record.steps.iter().map(|(step, reached)| format!("{step}{}", inferred(reached))).collect()
    }

    #[test]
    fn a_step_counts_once_and_a_committee_is_all_who_sit_on_it() {
        use ProgrammeStep::{Applied, CommitteeInterview};
        let events = [
            said(3, "4", CommitteeInterview, Some("Employers")),
            said(1, "1", Applied, Some("Service")),
            said(2, "2", Applied, None),
            said(3, "3", CommitteeInterview, Some("Service")),
            said(3, "3", CommitteeInterview, Some("Service")),
        ];
        let forwards = standing(events.clone());
        assert_eq!(forwards, standing(events.into_iter().rev()), "in any order");
        let record = &forwards.programmes["Passage"];
        assert_eq!(words(record), ["programme_applied", "committee_interview"]);
        assert_eq!(record.steps[&Applied].at, "2026-03-01T09:00:00Z".parse().unwrap(), "when first");
        let committee: Vec<_> = record.steps[&CommitteeInterview].organisations.iter().map(String::as_str).collect();
        assert_eq!(committee, ["Employers", "Service"]);
    }

    #[test]
    fn who_is_trained_was_selected_and_in_training_though_nobody_said_so() {
        use ProgrammeStep::{Applied, Selected, Trained};
        let record = |events: Vec<Said>| words(&standing(events).programmes["Passage"]);
        let all = ["programme_applied inferred", "programme_selected inferred", "in_training inferred", "trained"];
        assert_eq!(record(vec![said(9, "1", Trained, None)]), all);
        let said_too = vec![said(9, "1", Trained, None), said(2, "2", Selected, None), said(1, "3", Applied, None)];
        assert_eq!(record(said_too), ["programme_applied", "programme_selected", "in_training inferred", "trained"]);
        let late = vec![said(9, "1", Trained, None), said(10, "2", Selected, None)];
        assert_eq!(
            record(late)[1],
            "programme_selected",
            "what is said is not inferred, though it is said to be later"
        );
    }

    #[test]
    fn a_correction_stands_for_what_its_source_said_before() {
        use ProgrammeStep::{Selected, Shortlisted};
        let wrong = said(1, "1", Selected, None);
        let right = Said { supersedes: Some("1".to_owned()), ..said(1, "2", Shortlisted, None) };
        let another = Said { source: "other".to_owned(), supersedes: Some("1".to_owned()), ..right.clone() };
        let of = |events: &[Said]| words(&standing(events.to_vec()).programmes["Passage"]);
        assert_eq!(of(&[right.clone(), wrong.clone()]), ["programme_applied inferred", "programme_shortlisted"]);
        assert_eq!(of(&[wrong.clone(), another]).len(), 3, "of its own events only");
        let other_programme =
            Said { what: What::Step { programme: "Pont".to_owned(), step: Selected, organisation: None }, ..right };
        let moved = standing([wrong.clone(), other_programme]);
        assert_eq!(moved.programmes.keys().collect::<Vec<_>>(), ["Pont"], "also by one of another programme");
        let other = Said { supersedes: Some("1".to_owned()), what: What::Other, ..said(2, "3", Selected, None) };
        assert_eq!(standing([wrong, other]), Standing::default());
    }

    #[test]
    fn employers_that_pick_somebody_out_are_told_apart_by_their_country() {
        let picked = |id: &str, country: Option<&str>| Said {
            what: What::Picked { country: country.map(str::to_owned) },
            ..said(1, id, ProgrammeStep::Applied, None)
        };
        let standing = standing([picked("1", Some("BE")), picked("2", Some("MA")), picked("3", Some("BE"))]);
        assert_eq!(standing.picked_in, [Some("BE".to_owned()), Some("MA".to_owned())].into());
    }
}
