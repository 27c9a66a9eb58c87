//! What a partner knows of who persons are: `[incoming.talent_profile.identity]` of its file.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde::Deserialize;

/// The longest name of a scheme, in bytes.
const LONGEST: usize = 64;

/// By what a person who comes from this partner is known to be the same as one from another.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentitySettings {
    /// Numbers that the partner has verified before it sends them, such as `ma-cin`: by the schemes of `restricted_ids` and
    /// `source_ids`. Only two partners that have both verified the same number say the same person.
    pub verifies: BTreeSet<String>,
}

impl IdentitySettings {
    /// Checks that schemes are named.
    ///
    /// # Errors
    /// Names the key.
    pub fn check(&self) -> Result<()> {
        ensure!(
            !self.verifies.is_empty(),
            "`verifies` is empty: name the numbers that the partner has verified, or nothing"
        );
        let is_scheme = |scheme: &String| {
            !scheme.is_empty()
                && scheme.len() <= LONGEST
                && scheme.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        let odd = self.verifies.iter().find(|scheme| !is_scheme(scheme));
        ensure!(odd.is_none(), "`verifies` holds what is no scheme: name them as in `ma-cin`");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Partner;

    fn parsed(kind: &str, identity: &str) -> Result<Partner, String> {
        let file = format!(
            "name = \"X\"\ncountry = \"MA\"\nrole = \"public_service\"\n[incoming.{kind}]\ndialect = \"canonical\"\n\
             [incoming.{kind}.identity]\n{identity}\n"
        );
        Partner::parse("anapec", &file).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn what_a_partner_verifies_is_named() {
        let partner = parsed("talent_profile", "verifies = [\"ma-cin\", \"sigec\"]").unwrap();
        let incoming = &partner.incoming[&schemas::Kind::TalentProfile];
        assert!(incoming.verifies().contains("ma-cin"));
        for (kind, identity, expected) in [
            ("talent_profile", "verifies = []", "`verifies` is empty"),
            ("talent_profile", "verifies = [\"MA CIN\"]", "no scheme"),
            ("talent_profile", "verifies = [\"ma-cin\"]\nnames = true", "unknown field"),
            ("talent_profile", "", "verifies"),
            ("vacancy", "verifies = [\"ma-cin\"]", "remove it"),
        ] {
            let refused = parsed(kind, identity).unwrap_err();
            assert!(refused.contains(expected), "{refused}");
        }
    }
}
