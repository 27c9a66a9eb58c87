//! The ways of sending, made as partner files describe them.

use std::sync::Arc;

use anyhow::{Context, Result};
use connectors::{
    BaseUrl, ExtraCertificates, ProbeError, Repeats, Sender,
    kafka::{KafkaPush, KafkaPushSettings},
    rest::{Closings, RestPush, RestSettings, Webhook},
    vdab::{VdabPosting, VdabPostingSettings},
};
use schemas::PartnerId;

use super::avro_sender::AvroSender;
use crate::{
    backbone::wire::Bodies,
    config::{
        ClosingsSetting, Configuration, Connector, Outgoing, Partner, RepeatsSetting, TopicFormat, brokers_of,
        outbound_topic,
    },
    inbox::inbox_of,
    poller::{account_of, poller_of},
};

/// How a partner is sent to; none if it pulls a feed.
///
/// # Errors
/// Names the setting or secret that is wrong.
pub fn caller_of(
    configuration: &Configuration,
    partner: &Partner,
    outgoing: &Outgoing,
) -> Result<Option<Arc<dyn Sender>>> {
    let url =
        |text: &str| text.parse::<BaseUrl>().with_context(|| format!("partner `{}`: `base_url` `{text}`", partner.id));
    let connect_time_out = configuration.settings.connect_timeout;
    Ok(match &outgoing.connector {
        Connector::EuresFeed { .. } | Connector::Feed {} => None,
        Connector::Rest { base_url, token, repeats, closings } => {
            let token = token.as_deref().map(|name| configuration.secrets.get(name)).transpose()?;
            let settings = RestSettings {
                base_url: url(base_url)?,
                token: token.map(|secret| secret.current().clone()),
                repeats: (*repeats).into(),
                closings: closings_of(configuration, partner, closings)?,
                connect_time_out,
                certificates: ExtraCertificates::default(),
            };
            let push = RestPush::new(settings).with_context(|| format!("secret of partner `{}`", partner.id))?;
            Some(Arc::new(push))
        }
        Connector::Kafka { topic, format, brokers } => {
            let settings = KafkaPushSettings {
                brokers: brokers_of(configuration, partner, brokers.as_ref())?,
                topic: outbound_topic(configuration, &partner.id, topic.as_deref())?,
                connect_time_out,
                time_out: configuration.settings.send_timeout,
            };
            let inner = KafkaPush::new(settings);
            Some(match format {
                TopicFormat::Dialect => Arc::new(inner),
                TopicFormat::Avro => {
                    let bodies = Bodies::of(configuration, inner.topic());
                    let bodies = bodies.with_context(|| format!("partner `{}`", partner.id))?;
                    Arc::new(AvroSender { inner, bodies })
                }
            })
        }
        Connector::Vdab { base_url, account, repeats } => {
            let settings = VdabPostingSettings {
                base_url: url(base_url)?,
                account: account_of(configuration, partner, account)?,
                repeats: (*repeats).into(),
                connect_time_out,
                token_time_out: configuration.settings.send_timeout,
                certificates: ExtraCertificates::default(),
            };
            let posting = VdabPosting::new(settings).with_context(|| format!("secret of partner `{}`", partner.id))?;
            Some(Arc::new(posting))
        }
    })
}

fn closings_of(configuration: &Configuration, partner: &Partner, setting: &ClosingsSetting) -> Result<Closings> {
    Ok(match setting {
        ClosingsSetting::Delete => Closings::Delete,
        ClosingsSetting::Close => Closings::Close,
        ClosingsSetting::Webhook { url, secret } => {
            let wrong = || format!("partner `{}`: `closings.webhook.url` `{url}`", partner.id);
            let secret = configuration.secrets.get(secret)?.current().clone();
            Closings::Webhook(Webhook { url: url.parse().with_context(wrong)?, secret })
        }
    })
}

impl From<RepeatsSetting> for Repeats {
    fn from(setting: RepeatsSetting) -> Self {
        match setting {
            RepeatsSetting::ByKey => Self::ByKey,
            RepeatsSetting::ByReference => Self::ByReference,
            RepeatsSetting::Never => Self::Never,
        }
    }
}

/// Makes every way of sending and of polling once, without the network.
///
/// # Errors
/// Names the partner, and the setting or secret that is wrong.
pub fn check_connections(configuration: &Configuration) -> Result<()> {
    for partner in configuration.partners.values() {
        for outgoing in partner.outgoing.values() {
            caller_of(configuration, partner, outgoing)?;
        }
        poller_of(configuration, partner)?;
        inbox_of(configuration, partner)?;
    }
    Ok(())
}

/// Tests the connection to every partner that we call.
///
/// # Errors
/// If a connector cannot be made as it is configured.
pub async fn probe_all(configuration: &Configuration) -> Result<Vec<(PartnerId, Result<(), ProbeError>)>> {
    let mut outcomes = Vec::new();
    for partner in configuration.partners.values() {
        for outgoing in partner.outgoing.values() {
            if let Some(caller) = caller_of(configuration, partner, outgoing)? {
                outcomes.push((partner.id.clone(), caller.probe().await));
            }
        }
        if let Some(poller) = poller_of(configuration, partner)? {
            outcomes.push((partner.id.clone(), poller.probe().await));
        }
    }
    Ok(outcomes)
}
