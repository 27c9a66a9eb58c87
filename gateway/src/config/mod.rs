//! Settings of the gateway and of its partners: parsed at the edge, trusted inside.
//!
//! **Invariant:** nothing else reads the environment, and no settings derive `Serialize`: secrets cannot be printed.

mod disclosure;
mod identity;
mod kafka;
mod media;
mod partner;
mod placements;
mod poll;
mod postgresql;
mod registry;
mod rules;
mod secrets;
mod settings;
mod topic;
mod vault;
mod windows;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail, ensure};
use schemas::{Hash, Kind, PartnerId, hash_of};

pub use self::{
    kafka::{Acks, KafkaSecurity, KafkaSettings, Mechanism, Protocol},
    media::MediaSettings,
    partner::{ClosingsSetting, Connector, Incoming, Limits, Outgoing, Partner, RepeatsSetting},
    placements::PlacementSettings,
    poll::{Source, VdabAccountSettings},
    postgresql::PostgresqlSettings,
    rules::{International, NationalsOnly, Rules as EligibilityRules},
    secrets::{Secret, Secrets},
    settings::{BackboneEngine, LogFormat, Settings, StoreEngine},
    topic::{TopicFormat, brokers_of, inbound_topic, outbound_topic},
    windows::{Window, Windows},
};
use crate::vault::KeyRing;

/// Partners, by id.
pub type Partners = BTreeMap<PartnerId, Arc<Partner>>;

/// Everything that is configured, as one value that can be replaced as a whole.
#[derive(Debug)]
pub struct Configuration {
    /// The gateway's own settings.
    pub settings: Settings,
    /// The partners, by id.
    pub partners: Partners,
    /// The secrets, by name.
    pub secrets: Secrets,
    /// What wraps the keys of persons, if there are any.
    pub key_ring: Option<Arc<KeyRing>>,
    /// The hash of the files that say something, secrets left out.
    pub hash: Hash,
    /// The file that the settings were loaded from.
    pub file: Option<PathBuf>,
    /// Whether something has changed, secrets included. Never shown: it would tell that two secrets are alike.
    pub fingerprint: Hash,
}

impl Configuration {
    /// Loads settings, partners and secrets.
    ///
    /// # Errors
    /// Names the file and the setting that is wrong.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        let settings = Settings::load(file)?;
        let secrets = Secrets::load(&settings.secrets_dir)?;
        let (partners, mut texts) = load_partners(&settings.partners_dir)?;
        if let Some(file) = file {
            texts.push(std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?);
        }
        let file = file.map(Path::to_owned);
        Ok(Self { file, ..Self::assemble(settings, partners, secrets, &texts)? })
    }

    /// Puts loaded parts together and checks what they say about each other.
    pub fn assemble(settings: Settings, partners: Partners, secrets: Secrets, texts: &[String]) -> Result<Self> {
        for name in settings.registry.secret_names() {
            secrets.get(name).context("`[registry]` needs it")?;
        }
        if settings.store == StoreEngine::Postgresql
            && let Some(name) = &settings.postgresql.password
        {
            secrets.get(name).context("`[postgresql]` needs it")?;
        }
        if let Some(name) = settings.vault.secret_name(settings.store) {
            secrets.get(name).context("`[vault]` needs it")?;
        }
        let key_ring = settings.vault.key_ring()?;
        if key_ring.is_some() && settings.store == StoreEngine::Postgresql {
            settings.vault.server(&settings.postgresql)?;
        }
        for partner in partners.values() {
            if let Some(kind) = partner.personal_kind() {
                ensure!(
                    key_ring.is_some(),
                    "partner `{}` has to do with `{kind}`, which is personal and kept sealed only: name a key file as \
                     `vault.key_file` (`passerelle vault key` makes it)",
                    partner.id
                );
            }
            if partner.media.is_some() {
                let address = settings.listen.ip();
                ensure!(
                    settings.media.public_url.is_some() || address.is_loopback(),
                    "partner `{}` has files that profiles link to: say in `media.public_url` where their recipients reach this \
                     gateway, such as `https://gateway.example.org`",
                    partner.id
                );
            }
            for name in partner.secret_names() {
                secrets.get(name).with_context(|| format!("partner `{}` needs it", partner.id))?;
            }
            for (kind, outgoing) in &partner.outgoing {
                for source in &outgoing.from {
                    if !partners.contains_key(source) {
                        bail!("partner `{}`: `outgoing.{kind}.from` names `{source}`, which is no partner", partner.id);
                    }
                }
            }
        }
        let parts: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        let hash = hash_of(&parts);
        let ring = key_ring.as_ref().map(|ring| ring.fingerprint());
        let ring = ring.as_ref().map(Hash::as_bytes).unwrap_or_default();
        let fingerprint = hash_of(&[hash.as_bytes(), secrets.fingerprint().as_bytes(), ring]);
        Ok(Self { hash, settings, partners, secrets, key_ring, file: None, fingerprint })
    }

    /// The password of the store, if it has one.
    ///
    /// # Errors
    /// If there is no secret of that name.
    pub fn store_password(&self) -> Result<Option<&Secret>> {
        self.settings.postgresql.password.as_deref().map(|name| self.secrets.get(name)).transpose()
    }

    /// The server of the keys' database, and its password if it has one.
    ///
    /// # Errors
    /// If it is not configured, is the store's, or there is no secret of that name.
    pub fn keys_database(&self) -> Result<(PostgresqlSettings, Option<&Secret>)> {
        let server = self.settings.vault.server(&self.settings.postgresql)?;
        let password = server.password.as_deref().map(|name| self.secrets.get(name)).transpose()?;
        Ok((server, password))
    }

    /// A partner by its id.
    pub fn partner(&self, id: &str) -> Option<&Arc<Partner>> {
        let id: PartnerId = id.parse().ok()?;
        self.partners.get(&id)
    }

    /// Partners that something goes out to.
    pub fn all_receivers(&self) -> impl Iterator<Item = &Arc<Partner>> {
        self.partners.values().filter(|partner| !partner.outgoing.is_empty())
    }

    /// Partners that something of a kind goes out to.
    pub fn receivers(&self, kind: Kind) -> impl Iterator<Item = (&Arc<Partner>, &Outgoing)> {
        self.partners.values().filter_map(move |partner| Some((partner, partner.outgoing.get(&kind)?)))
    }
}

/// The partners of a folder, and the texts of their files.
fn load_partners(folder: &Path) -> Result<(Partners, Vec<String>)> {
    let mut partners = BTreeMap::new();
    let mut texts = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((partners, texts)),
        Err(error) => return Err(error).with_context(|| format!("cannot read the folder `{}`", folder.display())),
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    for path in paths {
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let partner = Partner::parse(&name, &text).with_context(|| format!("in `{}`", path.display()))?;
        partners.insert(partner.id.clone(), Arc::new(partner));
        texts.push(text);
    }
    Ok((partners, texts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn load(files: &[(&str, &str)]) -> Result<Configuration> {
        let folder = folder(files);
        Configuration::load(Some(&folder.path().join("passerelle.toml")))
    }

    const ACME: &str = "name = \"Acme\"\ncountry = \"BE\"\nrole = \"employer\"\n[incoming.vacancy]\ndialect = \"greenhouse\"\n[webhook]\nvendor = \"greenhouse\"\nsecret = \"acme-webhook\"\n";

    #[test]
    fn a_folder_of_partners_is_loaded() {
        let configuration =
            load(&[("passerelle.toml", ""), ("partners/acme.toml", ACME), ("secrets/acme-webhook", "new\nold\n")])
                .unwrap();
        let partner = configuration.partner("acme").unwrap();
        assert_eq!(partner.incoming[&Kind::Vacancy].dialect.as_str(), "greenhouse");
        assert_eq!(configuration.secrets.get("acme-webhook").unwrap().len(), 2);
    }

    #[test]
    fn a_wrong_configuration_says_what_and_where() {
        let rules = |rules: &str| {
            format!(
                "name = \"Z\"\ncountry = \"BE\"\nrole = \"public_service\"\n[outgoing.vacancy]\ndialect = \"canonical\"\n\
                 connector = {{ kind = \"feed\" }}\n[outgoing.vacancy.rules]\n{rules}\n"
            )
        };
        let wrong_rules = [
            ("location_countries = [\"be\"]", "location_countries"),
            ("location_countries = [\"be\"]", "use ISO 3166-1, two capital letters"),
            ("employer_countrys = []", "employer_countrys"),
            ("international = \"maybe\"", "not_refused"),
            ("nationals_only = true", "nationals_only"),
            ("until = \"tomorrow\"", "YYYY-MM-DD"),
            ("not_before = \"2026-12-24\"\nuntil = \"2026-12-24\"", "swap or remove one"),
            ("opted_out_employers = [\" \"]", "opted_out_employers"),
            ("embargo_hours = -1", "embargo_hours"),
        ];
        for (wrong, expected) in wrong_rules {
            let error =
                format!("{:#}", load(&[("passerelle.toml", ""), ("partners/zenith.toml", &rules(wrong))]).unwrap_err());
            assert!(error.contains(expected) && error.contains("zenith.toml"), "{error}");
        }
        let on_topics = |rest: &str| format!("name = \"Z\"\ncountry = \"BE\"\nrole = \"employer\"\n{rest}\n");
        let without_incoming = on_topics("[inbox]");
        let wrong_avro = on_topics("[incoming.vacancy]\ndialect = \"greenhouse\"\n[inbox]\nformat = \"avro\"");
        let no_secret = on_topics(
            "[outgoing.vacancy]\ndialect = \"canonical\"\nconnector = { kind = \"kafka\", brokers = { bootstrap_servers = \"k:9\", password = \"zk\" } }",
        );
        let personal = on_topics("[incoming.talent_profile]\ndialect = \"canonical\"");
        let table: [(&[(&str, &str)], &str); 9] = [
            (&[("passerelle.toml", ""), ("partners/zenith.toml", &personal)], "vault.key_file"),
            (
                &[("passerelle.toml", ""), ("partners/zenith.toml", &without_incoming)],
                "`inbox` wants `[incoming.vacancy]`",
            ),
            (&[("passerelle.toml", ""), ("partners/zenith.toml", &wrong_avro)], "say `dialect = \"canonical\"`"),
            (&[("passerelle.toml", ""), ("partners/zenith.toml", &no_secret)], "secret `zk`"),
            (&[("passerelle.toml", "[door]\nlisten = \"127.0.0.1:0\"\nlissen = 1\n")], "lissen"),
            (&[("passerelle.toml", ""), ("partners/acme.toml", ACME)], "secret `acme-webhook`"),
            (&[("passerelle.toml", ""), ("partners/messages.toml", ACME)], "the word is a path of the API"),
            (&[("passerelle.toml", ""), ("partners/acme.toml", "name = \"Acme\"\ncolour = 1\n")], "colour"),
            (
                &[
                    ("passerelle.toml", ""),
                    (
                        "partners/zenith.toml",
                        "name = \"Z\"\ncountry = \"BE\"\nrole = \"public_service\"\n[outgoing.vacancy]\ndialect = \"canonical\"\nfrom = [\"nobody\"]\nconnector = { kind = \"rest\", base_url = \"http://127.0.0.1:1\" }\n",
                    ),
                ],
                "`nobody`, which is no partner",
            ),
        ];
        for (files, expected) in table {
            let error = format!("{:#}", load(files).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_secret_never_shows() {
        let configuration =
            load(&[("passerelle.toml", ""), ("partners/acme.toml", ACME), ("secrets/acme-webhook", "hush-hush\n")])
                .unwrap();
        assert!(!format!("{configuration:?}").contains("hush-hush"));
    }
}
