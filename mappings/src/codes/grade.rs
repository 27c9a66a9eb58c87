//! How well two codes of a crosswalk fit, seen from the code one comes from.

/// A grade; the SKOS property it stands for is seen from the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grade {
    /// skos:exactMatch: the same concept.
    Exact,
    /// skos:closeMatch: near enough for most uses.
    Close,
    /// skos:broadMatch: the code one is led to is the broader one.
    TargetIsBroader,
    /// skos:narrowMatch: the code one is led to is the narrower one.
    TargetIsNarrower,
    /// skos:relatedMatch: neither broader nor narrower.
    Related,
}

impl Grade {
    /// The grade that a SKOS mapping property stands for.
    pub fn of_predicate(predicate: &str) -> Option<Self> {
        Some(match predicate {
            "skos:exactMatch" => Self::Exact,
            "skos:closeMatch" => Self::Close,
            "skos:broadMatch" => Self::TargetIsBroader,
            "skos:narrowMatch" => Self::TargetIsNarrower,
            "skos:relatedMatch" => Self::Related,
            _ => return None,
        })
    }

    /// The symbol in the canonical model and the code in loss reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Close => "close",
            Self::TargetIsBroader => "target_is_broader",
            Self::TargetIsNarrower => "target_is_narrower",
            Self::Related => "related",
        }
    }

    /// The grade of that symbol.
    pub fn of_symbol(symbol: &str) -> Option<Self> {
        [Self::Exact, Self::Close, Self::TargetIsBroader, Self::TargetIsNarrower, Self::Related]
            .into_iter()
            .find(|grade| grade.as_str() == symbol)
    }

    /// The grade of the way back.
    pub fn reversed(self) -> Self {
        match self {
            Self::TargetIsBroader => Self::TargetIsNarrower,
            Self::TargetIsNarrower => Self::TargetIsBroader,
            other => other,
        }
    }

    /// The grade of two ways, one after the other.
    pub fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::Exact, grade) | (grade, Self::Exact) => grade,
            (Self::Close, grade) | (grade, Self::Close) if grade != Self::Exact => grade,
            (one, other) if one == other => one,
            _ => Self::Related,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broad_and_narrow_are_not_the_wrong_way_round() {
        // SKOS: `A skos:broadMatch B` says that B is broader than A.
        assert_eq!(Grade::of_predicate("skos:broadMatch"), Some(Grade::TargetIsBroader));
        assert_eq!(Grade::TargetIsBroader.reversed(), Grade::TargetIsNarrower);
    }

    #[test]
    fn two_ways_are_as_good_as_the_worse() {
        for (one, other, both) in [
            (Grade::Exact, Grade::TargetIsBroader, Grade::TargetIsBroader),
            (Grade::TargetIsBroader, Grade::Close, Grade::TargetIsBroader),
            (Grade::TargetIsBroader, Grade::TargetIsBroader, Grade::TargetIsBroader),
            (Grade::TargetIsBroader, Grade::TargetIsNarrower, Grade::Related),
        ] {
            assert_eq!(one.then(other), both);
        }
    }
}
