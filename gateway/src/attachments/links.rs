//! The links of a profile: what they are known by here, and what stands in their place when it leaves.

use anyhow::{Context, Result};
use schemas::{Category, EntityKey, Hash, Kind, PartnerId, Path, Record, Value, hash_of};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    backbone::Stored,
    config::{Configuration, MediaSettings},
    store::{MediumId, Referred, WantedMedium},
    vault::{Bodies, Purpose},
};

/// A link of a profile.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// By which it is known here.
    pub id: MediumId,
    /// What of the person it shows.
    pub category: Category,
    /// Where it stands in the record.
    path: String,
    link: Link,
}

/// Where a file lies, as it stands sealed in the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Link {
    /// The link as the document says it.
    pub link: String,
    /// The media type that the document says it has.
    pub claim: Option<String>,
}

/// What stands in the place of links when a profile leaves.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Where this gateway listens, for one that only this machine reaches.
    listening: String,
}

impl Addresses {
    /// Of a gateway that listens there.
    pub fn listening_at(address: std::net::SocketAddr) -> Self {
        Self { listening: format!("http://{address}") }
    }

    /// What lies before `/v1` where recipients reach this gateway.
    pub fn base<'a>(&'a self, settings: &'a MediaSettings) -> &'a str {
        settings.public_url.as_deref().unwrap_or(&self.listening)
    }

    /// Puts the addresses of a recipient in the place of a profile's links.
    pub fn put(&self, record: &mut Record, settings: &MediaSettings, recipient: &PartnerId, found: &[Attachment]) {
        let base = self.base(settings);
        let model = record.model();
        for attachment in found {
            let address = format!("{base}/v1/{recipient}/media/{}", attachment.id.as_uuid());
            let path = Path::resolve(model, &attachment.path).expect("it was found there");
            *path.slot(record.root_mut()) = Value::text(address);
        }
    }
}

/// The links of a profile. None if the keys of whom it is about were destroyed.
///
/// # Errors
/// If the keys' database does not answer.
pub async fn attachments(bodies: &Bodies, entity: EntityKey, record: &Record) -> Result<Option<Vec<Attachment>>> {
    let mut found = Vec::new();
    for (category, place) in places(record) {
        let Some(link) = record.text(&format!("{place}.reference")).filter(|link| !link.is_empty()) else { continue };
        let plain = hash_of(&[category.as_str().as_bytes(), link.as_bytes()]);
        let Some(hash) = bodies.hash(record.kind(), entity, Purpose::Medium, plain).await? else { return Ok(None) };
        let claim = record.text(&format!("{place}.media_type")).map(str::to_owned);
        let link = Link { link: link.to_owned(), claim };
        found.push(Attachment { id: id_of(hash), category, path: format!("{place}.reference"), link });
    }
    Ok(Some(found))
}

/// What a version links to, as far as files are fetched from its source: nothing if it is closed.
///
/// # Errors
/// If the links cannot be sealed.
pub async fn referred(
    (configuration, bodies): (&Configuration, &Bodies),
    stored: &Stored,
    (record, is_open): (&Record, bool),
    at: i64,
) -> Result<Option<Referred>> {
    let header = &stored.envelope.header;
    let source = configuration.partners.get(&header.origin.partner);
    let is_fetched = is_open && source.is_some_and(|source| source.media.is_some());
    let media = if is_fetched {
        let Some(found) = attachments(bodies, header.entity_key, record).await? else { return Ok(None) };
        let Some(wanted) = wanted(bodies, header.entity_key, found).await? else { return Ok(None) };
        wanted
    } else {
        Vec::new()
    };
    Ok(Some(Referred {
        entity_key: header.entity_key,
        position: stored.position,
        message_id: header.message_id,
        origin: header.origin.clone(),
        media,
        at,
    }))
}

/// Files as they are wanted. None if the keys of whom they are about were destroyed.
///
/// # Errors
/// If the links cannot be sealed.
pub async fn wanted(bodies: &Bodies, entity: EntityKey, found: Vec<Attachment>) -> Result<Option<Vec<WantedMedium>>> {
    let mut wanted = Vec::new();
    for Attachment { id, category, link, .. } in found {
        let link = serde_json::to_vec(&link).context("cannot write a link")?;
        let Some(sealed) = bodies.keep(Kind::TalentProfile, entity, &place_of(id), link).await? else {
            return Ok(None);
        };
        wanted.push(WantedMedium { id, category, sealed });
    }
    Ok(Some(wanted))
}

/// Opens where a file lies. None if the keys of whom it is about were destroyed.
///
/// # Errors
/// If it does not open.
pub(super) async fn open(bodies: &Bodies, id: MediumId, sealed: &[u8]) -> Result<Option<Link>> {
    let Some(plain) = bodies.kept(Kind::TalentProfile, &place_of(id), sealed).await? else { return Ok(None) };
    let plain = Zeroizing::new(plain);
    // Its own error would quote what it reads.
    serde_json::from_slice(&plain).map(Some).map_err(|_| anyhow::anyhow!("a link is damaged"))
}

/// Where files may be linked, and what they show.
fn places(record: &Record) -> Vec<(Category, String)> {
    let listed = record.at("attachments").map_or(0, |list| list.items().len());
    let single = [(Category::Picture, "media.picture"), (Category::Video, "media.video_cv")];
    let single = single.into_iter().map(|(category, place)| (category, place.to_owned()));
    single.chain((0..listed).map(|index| (Category::Attachments, format!("attachments[{index}]")))).collect()
}

/// The id that a keyed hash gives (RFC 9562, version 8).
fn id_of(hash: Hash) -> MediumId {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().into()
}

/// Where a link stands in the store: moved elsewhere, it does not open.
fn place_of(id: MediumId) -> String {
    format!("media/{}", id.as_uuid())
}

#[cfg(test)]
mod tests {
    use schemas::RecordType;

    use super::*;

    #[test]
    fn every_place_of_a_file_is_known() {
        let profile = RecordType::of(Kind::TalentProfile);
        let mut said = Vec::new();
        files_of(profile, None, "", &mut said);
        let record = Record::from_json(
            Kind::TalentProfile,
            &serde_json::json!({"attachments": [{"reference": "https://files.example/cv"}]}),
        )
        .unwrap();
        let known: Vec<_> = places(&record).into_iter().map(|(category, place)| (place, category)).collect();
        assert_eq!(known, said);
    }

    /// Where the schema has a file, and under which category.
    fn files_of(
        record: &'static RecordType,
        around: Option<Category>,
        path: &str,
        found: &mut Vec<(String, Category)>,
    ) {
        for field in &record.fields {
            let own = field.category.or(around);
            let is_list = matches!(field.ty, schemas::Type::List { .. });
            let place = format!("{path}{}{}", field.name, if is_list { "[0]" } else { "" });
            match field.ty.record_inside() {
                Some(inner) if inner.name == "Attachment" => found.push((place, own.unwrap())),
                Some(inner) => files_of(inner, own, &format!("{place}."), found),
                None => {}
            }
        }
    }
}
