//! The pollers, made as partner files describe them.

use std::time::Duration;

use anyhow::{Context, Result};
use connectors::{
    BaseUrl, ClientAuthentication, ExtraCertificates, OAuthSettings,
    anapec::{AnapecReading, AnapecReadingSettings},
    candidates::{CandidateAccount, CandidateReading, CandidateReadingSettings},
    greenhouse::{HarvestReading, HarvestSettings},
    poller::Poller,
    vdab::{VdabAccount, VdabReading, VdabReadingSettings},
};

use crate::config::{Configuration, Partner, Source};

/// How long a token of Harvest lives if its answer does not say.
const HARVEST_TOKEN_LIFE: Duration = Duration::from_hours(1);

/// Reads the candidates of a partner's applicant tracking system; none if it has none that is read.
///
/// # Errors
/// Names the setting that is wrong.
pub fn candidates_of(configuration: &Configuration, partner: &Partner) -> Result<Option<CandidateReading>> {
    let Some(poll) = &partner.poll else { return Ok(None) };
    let secret = |name: &str| anyhow::Ok(configuration.secrets.get(name)?.current().clone());
    let (base_url, account) = match &poll.source {
        Source::Teamtailor { base_url, api_key, api_version } => {
            let api_key = secret(api_key)?;
            (base_url, CandidateAccount::Teamtailor { api_key, api_version: api_version.clone() })
        }
        Source::SmartRecruiters { base_url, token } => {
            (base_url, CandidateAccount::SmartRecruiters { token: secret(token)? })
        }
        Source::Recruitee { base_url, company, token } => {
            (base_url, CandidateAccount::Recruitee { company: company.clone(), token: secret(token)? })
        }
        Source::GreenhouseCandidates { base_url, api_key } => {
            (base_url, CandidateAccount::Greenhouse { api_key: secret(api_key)? })
        }
        Source::Lever { base_url, api_key } => (base_url, CandidateAccount::Lever { api_key: secret(api_key)? }),
        Source::Vdab { .. } | Source::Greenhouse { .. } | Source::Anapec { .. } => return Ok(None),
    };
    let mut settings = CandidateReadingSettings::new(account, url(base_url, partner)?);
    settings.connect_time_out = configuration.settings.connect_timeout;
    Ok(Some(CandidateReading::new(settings)))
}

/// The poller of a partner; none if it is not polled.
///
/// # Errors
/// Names the setting that is wrong.
pub fn poller_of(configuration: &Configuration, partner: &Partner) -> Result<Option<Box<dyn Poller>>> {
    let Some(poll) = &partner.poll else { return Ok(None) };
    let wrong = || format!("partner `{}`: `poll.source`", partner.id);
    if let Some(candidates) = candidates_of(configuration, partner)? {
        return Ok(Some(Box::new(candidates)));
    }
    Ok(match &poll.source {
        Source::Vdab { base_url, account, everything_every_seconds, batch } => {
            let mut settings =
                VdabReadingSettings::new(url(base_url, partner)?, account_of(configuration, partner, account)?);
            settings.connect_time_out = configuration.settings.connect_timeout;
            settings.everything_every = Duration::from_secs(*everything_every_seconds);
            settings.batch = *batch;
            Some(Box::new(VdabReading::new(settings).with_context(wrong)?))
        }
        Source::Greenhouse { base_url, token_url, client_id, client_secret, subject } => {
            let oauth = OAuthSettings {
                token_url: url(token_url, partner)?,
                client_id: client_id.clone(),
                client_secret: configuration.secrets.get(client_secret)?.current().clone(),
                authentication: ClientAuthentication::Basic,
                scope: None,
                subject: Some(subject.clone()),
                default_life: HARVEST_TOKEN_LIFE,
            };
            let mut settings = HarvestSettings::new(url(base_url, partner)?, oauth);
            settings.connect_time_out = configuration.settings.connect_timeout;
            Some(Box::new(HarvestReading::new(settings)))
        }
        Source::Anapec { base_url, certificates, refresh_every_seconds } => {
            let mut settings = AnapecReadingSettings::new(url(base_url, partner)?);
            settings.connect_time_out = configuration.settings.connect_timeout;
            settings.refresh_every = Duration::from_secs(*refresh_every_seconds);
            if let Some(name) = certificates {
                let pem = configuration.secrets.get(name)?.lines();
                settings.certificates = ExtraCertificates::default()
                    .with_intermediates(pem.as_bytes())
                    .with_context(|| format!("`{name}`"))?;
            }
            Some(Box::new(AnapecReading::new(settings)))
        }
        Source::Teamtailor { .. }
        | Source::SmartRecruiters { .. }
        | Source::Recruitee { .. }
        | Source::GreenhouseCandidates { .. }
        | Source::Lever { .. } => None,
    })
}

/// What VDAB knows us by.
///
/// # Errors
/// Names the setting or secret that is wrong.
pub fn account_of(
    configuration: &Configuration,
    partner: &Partner,
    account: &crate::config::VdabAccountSettings,
) -> Result<VdabAccount> {
    Ok(VdabAccount::new(
        url(&account.token_url, partner)?,
        account.client_id.clone(),
        configuration.secrets.get(&account.client_secret)?.current().clone(),
        configuration.secrets.get(&account.api_key)?.current().clone(),
    ))
}

fn url(text: &str, partner: &Partner) -> Result<BaseUrl> {
    text.parse::<BaseUrl>().with_context(|| format!("partner `{}`: `{text}`", partner.id))
}
