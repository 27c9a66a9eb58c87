//! How documents are fetched from a partner that does not bring them: `[poll]` of its file.

use std::{num::NonZeroU32, time::Duration};

use connectors::webhook::Vendor;
use schemas::Kind;
use serde::Deserialize;

/// How documents are fetched.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PollSettings {
    /// How often to look for news.
    #[serde(default = "five_minutes")]
    every_seconds: NonZeroU32,
    /// Where from.
    pub source: Source,
}

/// Where documents are fetched.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Source {
    /// VDAB Open Services, `Vacatures` v4.
    Vdab {
        /// What lies before `/vacatures`.
        base_url: String,
        /// What VDAB knows us by.
        account: VdabAccountSettings,
        /// How often there is a run over everything: only such a run closes what is absent.
        #[serde(default = "a_day")]
        everything_every_seconds: u64,
        /// How many documents are asked for at once.
        #[serde(default = "a_hundred")]
        batch: usize,
    },
    /// Harvest v3 of Greenhouse: reconciles what its webhooks may have missed.
    Greenhouse {
        /// `https://harvest.greenhouse.io/v3`.
        base_url: String,
        /// `https://auth.greenhouse.io/token`.
        token_url: String,
        /// The client.
        client_id: String,
        /// The name of the secret that the client proves itself with.
        client_secret: String,
        /// The user of the account that we act for.
        subject: String,
    },
    /// The site of ANAPEC: a list in JSON, a page for each offer.
    Anapec {
        /// The root of the site: `https://www.anapec.org/sigec-app-rv`.
        base_url: String,
        /// The name of the file in `secrets_dir` with the certificates that its server does not send, as PEM.
        #[serde(default)]
        certificates: Option<String>,
        /// How often the page of an offer is fetched again although the list says the same of it.
        #[serde(default = "a_day")]
        refresh_every_seconds: u64,
    },
    /// Candidates of Teamtailor.
    Teamtailor {
        /// `https://api.teamtailor.com/v1`.
        base_url: String,
        /// The name of the secret that is the API key.
        api_key: String,
        /// The version of the API: a day.
        #[serde(default = "teamtailor_version")]
        api_version: String,
    },
    /// Candidates of SmartRecruiters.
    #[serde(rename = "smartrecruiters")]
    SmartRecruiters {
        /// `https://api.smartrecruiters.com`.
        base_url: String,
        /// The name of the secret that is the `X-SmartToken`.
        token: String,
    },
    /// Candidates of Recruitee.
    Recruitee {
        /// `https://api.recruitee.com`.
        base_url: String,
        /// The company's id there.
        company: String,
        /// The name of the secret that is the bearer token.
        token: String,
    },
    /// Candidates of Greenhouse by Harvest v1: reconciles what its webhooks may have missed. The vendor announced the end of
    /// v1 for 31 August 2026.
    GreenhouseCandidates {
        /// `https://harvest.greenhouse.io/v1`.
        base_url: String,
        /// The name of the secret that is the Harvest key.
        api_key: String,
    },
    /// Opportunities of Lever.
    Lever {
        /// `https://api.lever.co/v1`, or `https://api.eu.lever.co/v1`.
        base_url: String,
        /// The name of the secret that is the API key.
        api_key: String,
    },
}

impl Source {
    /// What its documents are about.
    pub fn document_kind(&self) -> Kind {
        match self {
            Self::Vdab { .. } | Self::Greenhouse { .. } | Self::Anapec { .. } => Kind::Vacancy,
            Self::Teamtailor { .. }
            | Self::SmartRecruiters { .. }
            | Self::Recruitee { .. }
            | Self::GreenhouseCandidates { .. }
            | Self::Lever { .. } => Kind::TalentProfile,
        }
    }

    /// Whose candidates it reads.
    pub fn vendor_of_candidates(&self) -> Option<Vendor> {
        match self {
            Self::Teamtailor { .. } => Some(Vendor::Teamtailor),
            Self::SmartRecruiters { .. } => Some(Vendor::SmartRecruiters),
            Self::Recruitee { .. } => Some(Vendor::Recruitee),
            Self::GreenhouseCandidates { .. } => Some(Vendor::Greenhouse),
            Self::Lever { .. } => Some(Vendor::Lever),
            Self::Vdab { .. } | Self::Greenhouse { .. } | Self::Anapec { .. } => None,
        }
    }
}

/// What VDAB knows us by.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VdabAccountSettings {
    /// Where tokens come from.
    pub token_url: String,
    /// The client.
    pub client_id: String,
    /// The name of the secret that the client proves itself with.
    pub client_secret: String,
    /// The name of the secret that is the API key (`X-IBM-Client-Id`).
    pub api_key: String,
}

impl PollSettings {
    /// How long to wait once there is no more.
    pub fn period(&self) -> Duration {
        Duration::from_secs(self.every_seconds.get().into())
    }

    /// The names of the secrets that the source needs.
    pub fn secret_names(&self) -> Vec<&str> {
        match &self.source {
            Source::Vdab { account, .. } => account.secret_names().to_vec(),
            Source::Greenhouse { client_secret, .. } => vec![client_secret],
            Source::Anapec { certificates, .. } => certificates.as_deref().into_iter().collect(),
            Source::Teamtailor { api_key: secret, .. }
            | Source::SmartRecruiters { token: secret, .. }
            | Source::Recruitee { token: secret, .. }
            | Source::GreenhouseCandidates { api_key: secret, .. }
            | Source::Lever { api_key: secret, .. } => vec![secret],
        }
    }
}

impl VdabAccountSettings {
    /// The names of the secrets in it.
    pub fn secret_names(&self) -> [&str; 2] {
        [&self.client_secret, &self.api_key]
    }
}

fn five_minutes() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(299)
}

fn teamtailor_version() -> String {
    "20240404".to_owned()
}

fn a_day() -> u64 {
    86_400
}

fn a_hundred() -> usize {
    100
}
