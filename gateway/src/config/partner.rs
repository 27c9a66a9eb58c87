//! A partner: `partners/<id>.toml`.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    sync::Arc,
};

use anyhow::{Context, Result, anyhow, ensure};
use connectors::webhook::Vendor;
use consent::{Country, LegalId, Role};
use mappings::{Defaults, Parameters, codes::Grade};
use media::AllowedOrigins;
use schemas::{DialectName, Kind, PartnerId};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    disclosure::ConsentSettings,
    identity::IdentitySettings,
    media::MediaSource,
    poll::{PollSettings, VdabAccountSettings},
    rules::Rules,
    topic::{BrokersSettings, InboxSettings, TopicFormat},
};

/// An organisation that we exchange with.
#[derive(Debug, Clone)]
pub struct Partner {
    /// The id: the name of its file.
    pub id: PartnerId,
    /// The name of the organisation.
    pub name: String,
    /// ISO 3166-1 alpha-2.
    pub country: Country,
    /// What it is in law.
    pub role: Role,
    /// Its number in a register, by which persons permit what goes to an employer.
    pub legal_id: Option<LegalId>,
    /// Whether it may update what others sent.
    pub is_co_owner: bool,
    /// What we take from it.
    pub incoming: BTreeMap<Kind, Incoming>,
    /// Where the links of its profiles may lead; none if they travel as they are.
    pub media: Option<Arc<AllowedOrigins>>,
    /// What we send to it.
    pub outgoing: BTreeMap<Kind, Outgoing>,
    /// Vendor-signed events that it sends.
    pub webhook: Option<Webhook>,
    /// How its documents are fetched, if it does not bring them.
    pub poll: Option<PollSettings>,
    /// The topic that it pushes into, if it does.
    pub inbox: Option<InboxSettings>,
    /// How much it lets us send.
    pub limits: Limits,
    /// What its documents never say, by canonical path; see [`Defaults`].
    pub defaults: Defaults,
    /// What its dialects want to know of us.
    pub parameters: Arc<Parameters>,
}

/// What we take from a partner.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incoming {
    /// The format it comes in, unless the request says otherwise.
    pub dialect: DialectName,
    /// What it knows of who persons are.
    pub identity: Option<IdentitySettings>,
    /// From where the files are fetched that its profiles link to.
    media: Option<MediaSource>,
}

/// What we send to a partner.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outgoing {
    /// The format it goes out in.
    pub dialect: DialectName,
    /// The partners whose documents go to it; empty for all.
    #[serde(default)]
    pub from: Vec<PartnerId>,
    /// How it gets there.
    pub connector: Connector,
    /// Crosswalks that are too loose for this route; a code that only they lead to is not sent.
    #[serde(default)]
    pub refuse_grades: Vec<RefusedGrade>,
    /// Which vacancies it may have, and when.
    #[serde(default)]
    pub rules: Rules,
    /// What persons must have permitted; for kinds about persons, and only for those.
    pub consent: Option<ConsentSettings>,
}

/// A grade of crosswalks, as a partner file names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedGrade {
    /// skos:closeMatch.
    Close,
    /// skos:broadMatch.
    TargetIsBroader,
    /// skos:narrowMatch.
    TargetIsNarrower,
    /// skos:relatedMatch.
    Related,
}

impl From<RefusedGrade> for Grade {
    fn from(grade: RefusedGrade) -> Self {
        match grade {
            RefusedGrade::Close => Self::Close,
            RefusedGrade::TargetIsBroader => Self::TargetIsBroader,
            RefusedGrade::TargetIsNarrower => Self::TargetIsNarrower,
            RefusedGrade::Related => Self::Related,
        }
    }
}

/// The form in which a partner understands closings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosingsSetting {
    /// `DELETE` of the reference.
    #[default]
    Delete,
    /// `POST` below the reference.
    Close,
    /// A signed event to an address of its own.
    Webhook {
        /// That address.
        url: String,
        /// The name of the secret that signs.
        secret: String,
    },
}

impl ClosingsSetting {
    fn secret(&self) -> Option<&str> {
        match self {
            Self::Delete | Self::Close => None,
            Self::Webhook { secret, .. } => Some(secret),
        }
    }
}

/// How bytes get to a partner.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Connector {
    /// Our plain REST push by reference.
    Rest {
        /// Where to.
        base_url: String,
        /// The name of the secret that is the bearer token.
        token: Option<String>,
        /// Whether an unanswered send may be repeated.
        #[serde(default)]
        repeats: RepeatsSetting,
        /// How the partner is told that something is closed, or to be deleted.
        #[serde(default)]
        closings: ClosingsSetting,
    },
    /// Posting to VDAB, by our profile.
    Vdab {
        /// What lies before `/vacancy/{reference}`.
        base_url: String,
        /// What VDAB knows us by.
        account: VdabAccountSettings,
        /// Whether an unanswered send may be repeated.
        #[serde(default)]
        repeats: RepeatsSetting,
    },
    /// A topic that the partner reads.
    Kafka {
        /// The topic, if it is called otherwise than `<prefix>to.<partner>.vacancy`.
        topic: Option<String>,
        /// What stands in it.
        #[serde(default)]
        format: TopicFormat,
        /// Its brokers, if they are others than those of `[kafka]`.
        brokers: Option<BrokersSettings>,
    },
    /// A feed that the partner pulls with its own key, page by page.
    Feed {},
    /// A feed that EURES pulls.
    EuresFeed {
        /// The name of the secret that is the puller's bearer token.
        token: String,
        /// The name of the source in the feed, such as `VDAB`.
        source: String,
    },
}

impl Connector {
    /// Whether the partner fetches what goes there.
    pub fn is_pulled(&self) -> bool {
        matches!(self, Self::Feed {} | Self::EuresFeed { .. })
    }

    /// Whether what is about persons is decided on at the moment at which it is disclosed.
    fn decides_each(&self) -> bool {
        matches!(self, Self::Rest { .. }) || self.is_pulled()
    }
}

/// Whether an unanswered send may be repeated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepeatsSetting {
    /// The partner heeds the idempotency key.
    #[default]
    ByKey,
    /// The partner upserts by reference.
    ByReference,
    /// It does neither: what is in doubt is quarantined.
    Never,
}

/// How much a partner lets us send.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Every window holds at the same time.
    pub windows: Vec<Window>,
    /// Whether they only report what they would have held up.
    pub shadow: bool,
}

/// A number of requests in any stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Requests.
    pub requests: NonZeroU32,
    /// The length of the stretch.
    pub seconds: NonZeroU32,
}

/// Vendor-signed events.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Whose signature.
    #[serde(deserialize_with = "from_text")]
    pub vendor: Vendor,
    /// The name of the secret that signs.
    pub secret: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartnerFile {
    name: String,
    country: Country,
    role: Role,
    legal_id: Option<LegalId>,
    #[serde(default)]
    co_owner: bool,
    #[serde(default)]
    incoming: BTreeMap<Kind, Incoming>,
    #[serde(default)]
    outgoing: BTreeMap<Kind, Outgoing>,
    webhook: Option<Webhook>,
    poll: Option<PollSettings>,
    inbox: Option<InboxSettings>,
    #[serde(default)]
    limits: Limits,
    /// These three are read by the mapping engine, which knows their grammar.
    #[serde(default, rename = "language")]
    _language: IgnoredAny,
    #[serde(default, rename = "defaults")]
    _defaults: IgnoredAny,
    #[serde(default, rename = "defaults_when")]
    _defaults_when: IgnoredAny,
    #[serde(default)]
    parameters: BTreeMap<String, String>,
}

impl Outgoing {
    /// Checks that what is about persons goes by a way on which every send is decided, and that nothing else asks for
    /// consent.
    fn check_consent(&self, kind: Kind) -> Result<()> {
        if !kind.is_personal() {
            ensure!(self.consent.is_none(), "`outgoing.{kind}.consent`: a `{kind}` is about nobody; remove it");
            return Ok(());
        }
        ensure!(
            kind != Kind::PlacementStatus || matches!(self.connector, Connector::Rest { .. }),
            "`outgoing.{kind}.connector`: what happened to persons goes by `rest`, one event after another"
        );
        ensure!(
            self.connector.decides_each(),
            "`outgoing.{kind}.connector`: what is about persons goes by `rest`, where every send is decided, or by `feed` or \
             `eures-feed`, where every pull is; a topic would be read later, whatever the person says by then"
        );
        ensure!(
            self.rules == Rules::default(),
            "`outgoing.{kind}.rules` are for vacancies; consent decides about persons"
        );
        let consent = self.consent.as_ref();
        let consent =
            consent.with_context(|| {
                format!(
                    "`outgoing.{kind}` wants `[outgoing.{kind}.consent]` with `purposes`: what persons must have permitted, \
                     at every send and at every pull"
                )
            })?;
        consent.check().with_context(|| format!("`outgoing.{kind}.consent`"))
    }

    /// Whether canonical records go out in Avro.
    pub fn is_avro(&self) -> bool {
        matches!(self.connector, Connector::Kafka { format: TopicFormat::Avro, .. })
    }
}

impl Incoming {
    /// Numbers that the partner has verified, by their schemes.
    pub fn verifies(&self) -> &BTreeSet<String> {
        static NONE: BTreeSet<String> = BTreeSet::new();
        self.identity.as_ref().map_or(&NONE, |identity| &identity.verifies)
    }

    fn check_identity(&self, kind: Kind) -> Result<()> {
        let Some(identity) = &self.identity else { return Ok(()) };
        ensure!(
            kind == Kind::TalentProfile,
            "`incoming.{kind}.identity`: a `{kind}` says of nobody who it is; remove it"
        );
        identity.check().with_context(|| format!("`incoming.{kind}.identity`"))
    }
}

impl Partner {
    /// A kind about persons that it sends or receives.
    pub fn personal_kind(&self) -> Option<Kind> {
        self.incoming.keys().chain(self.outgoing.keys()).copied().find(|kind| kind.is_personal())
    }

    /// Reads a partner file.
    ///
    /// # Errors
    /// Names the setting that is wrong.
    pub fn parse(id: &str, text: &str) -> Result<Self> {
        let id: PartnerId = id.parse()?;
        let file: PartnerFile = toml::from_str(text)?;
        for (kind, outgoing) in &file.outgoing {
            outgoing.rules.check().with_context(|| format!("`outgoing.{kind}.rules`"))?;
            outgoing.check_consent(*kind)?;
        }
        for (kind, incoming) in &file.incoming {
            incoming.check_identity(*kind)?;
        }
        check_topics(&file)?;
        check_sources(&file)?;
        let media = media_of(&file)?.map(Arc::new);
        let defaults = defaults_of(&format!("{id}.toml"), text)?;
        Ok(Self {
            id,
            name: file.name,
            country: file.country,
            role: file.role,
            legal_id: file.legal_id,
            is_co_owner: file.co_owner,
            incoming: file.incoming,
            media,
            outgoing: file.outgoing,
            webhook: file.webhook,
            poll: file.poll,
            inbox: file.inbox,
            limits: file.limits,
            defaults,
            parameters: Arc::new(file.parameters.into_iter().collect()),
        })
    }

    /// The names of the secrets that this partner needs.
    pub fn secret_names(&self) -> impl Iterator<Item = &str> {
        let connectors = self.outgoing.values().flat_map(|outgoing| match &outgoing.connector {
            Connector::Rest { token, closings, .. } => [token.as_deref(), closings.secret()],
            Connector::Feed {} | Connector::Kafka { .. } => [None, None],
            Connector::EuresFeed { token, .. } => [Some(token.as_str()), None],
            Connector::Vdab { account, .. } => account.secret_names().map(Some),
        });
        let topics = self.outgoing.values().filter_map(|outgoing| match &outgoing.connector {
            Connector::Kafka { brokers, .. } => brokers.as_ref(),
            _ => None,
        });
        let topics = topics.chain(self.inbox.iter().filter_map(|inbox| inbox.brokers.as_ref()));
        let connectors = connectors.flatten().chain(topics.flat_map(BrokersSettings::secret_names));
        let poll = self.poll.iter().flat_map(PollSettings::secret_names);
        connectors.chain(poll).chain(self.webhook.iter().map(|webhook| webhook.secret.as_str()))
    }
}

/// Refuses topics that nothing can be read from, or written to.
fn check_topics(file: &PartnerFile) -> Result<()> {
    let is_canonical = |dialect: &DialectName| dialect.as_str() == mappings::CANONICAL;
    for (kind, outgoing) in &file.outgoing {
        if let Connector::Kafka { format: TopicFormat::Avro, .. } = outgoing.connector {
            ensure!(
                is_canonical(&outgoing.dialect),
                "`outgoing.{kind}.connector.format` is `avro`: what is sent is the canonical record, so say `dialect = \"canonical\"`"
            );
        }
    }
    let Some(inbox) = &file.inbox else { return Ok(()) };
    let incoming = file.incoming.get(&Kind::Vacancy).context("`inbox` wants `[incoming.vacancy]` with a dialect")?;
    ensure!(
        inbox.format == TopicFormat::Dialect || is_canonical(&incoming.dialect),
        "`inbox.format` is `avro`: what comes is the canonical record, so say `dialect = \"canonical\"`"
    );
    Ok(())
}

/// Where the links of its profiles may lead, if their files are fetched.
fn media_of(file: &PartnerFile) -> Result<Option<AllowedOrigins>> {
    let mut found = None;
    for (kind, incoming) in &file.incoming {
        let Some(media) = &incoming.media else { continue };
        ensure!(*kind == Kind::TalentProfile, "`incoming.{kind}.media`: only talent profiles have files; remove it");
        found = Some(media.allowed().with_context(|| format!("`incoming.{kind}.media`"))?);
    }
    Ok(found)
}

/// Refuses sources whose documents nothing could read, and events that nothing could prove.
fn check_sources(file: &PartnerFile) -> Result<()> {
    if let Some(poll) = &file.poll {
        let kind = poll.source.document_kind();
        ensure!(file.incoming.contains_key(&kind), "`poll.source` wants `[incoming.{kind}]` with a dialect");
    }
    let Some(webhook) = &file.webhook else { return Ok(()) };
    let vendor = webhook.vendor;
    let is_read = file.poll.as_ref().is_some_and(|poll| poll.source.vendor_of_candidates() == Some(vendor));
    ensure!(
        vendor == Vendor::Greenhouse || is_read,
        "`webhook.vendor` is `{vendor}`, whose events do not prove what they say: candidates are read at the vendor, so name \
         `[poll]` with `source = {{ kind = \"{vendor}\", ... }}`"
    );
    Ok(())
}

/// Reads a value from its text form.
fn from_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

fn defaults_of(file: &str, text: &str) -> Result<Defaults> {
    Defaults::from_toml(file, text, Kind::Vacancy).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow!("{}", lines.join("\n"))
    })
}
