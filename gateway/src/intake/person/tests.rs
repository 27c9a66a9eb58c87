//! What is about persons lies nowhere in the open: a marker is planted and looked for in every file.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use mappings::Fault;
use schemas::{Channel, Lane, PartnerId, Position, Versions};

use super::*;
use crate::{
    backbone::{Topic, embedded::EmbeddedBackbone},
    clock::Clock,
    config::{Configuration, Partner, Secrets, Settings},
    in_force::{InForce, Rules},
    store::{Routed, SqliteStore},
    supervisor::Supervisor,
    vault::{Bodies, KeyRing, KeysInForce, Vault},
};

/// Nobody is called so.
const MARKER: &str = "Zoubida Markerová 7391";
/// What a partner calls whom the marker is about.
const FOREIGN_ID: &str = "ZM739182";

struct Scene {
    folder: tempfile::TempDir,
    intake: Intake,
    partner: Partner,
}

async fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let supervisor = Supervisor::default();
    let text =
        "name = \"X\"\ncountry = \"MA\"\nrole = \"public_service\"\n[incoming.vacancy]\ndialect = \"canonical\"\n";
    let partner = Partner::parse("anapec", text).unwrap();
    let partners = [(partner.id.clone(), Arc::new(partner.clone()))].into_iter().collect();
    let mut settings = Settings::load(None).unwrap();
    settings.data_dir = folder.path().to_owned();
    let mut configuration = Configuration::assemble(settings, partners, Secrets::default(), &[]).unwrap();
    configuration.key_ring = Some(Arc::new(KeyRing::parse(&KeyRing::new_line().0).unwrap()));
    let (_, in_force) = InForce::begin(Rules::of(configuration).unwrap());
    let keys = Arc::new(KeysInForce(in_force.clone()));
    let vault = Vault::open(&in_force.now().configuration, keys, &supervisor).await.unwrap();
    let backbone = EmbeddedBackbone::open(&folder.path().join("log.db"), &supervisor).await.unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db"), &supervisor, Clock::system()).await.unwrap();
    let intake = Intake {
        in_force,
        backbone: Arc::new(backbone),
        store: Arc::new(store),
        bodies: Bodies::with(Some(vault)),
        clock: Clock::system(),
    };
    Scene { folder, intake, partner }
}

impl Scene {
    fn document<'a>(&'a self, kind: Kind, body: &'a [u8]) -> Document<'a> {
        Document {
            partner: &self.partner,
            kind,
            dialect: "canonical".parse().unwrap(),
            channel: Channel::Poll,
            lane: Lane::Live,
            media_type: None,
            idempotency_key: None,
            body,
        }
    }

    /// Leaves the marker in the log and in every column of the store that holds what came in.
    async fn leave_everywhere(&self, kind: Kind) -> (EntityKey, Uuid) {
        let intake = &self.intake;
        let anapec: PartnerId = "anapec".parse().unwrap();
        let entity = intake.bodies.for_persons().unwrap().subject(&anapec, FOREIGN_ID).await.unwrap().into();
        let bytes = MARKER.as_bytes().to_vec();
        let mut content = Content { raw: bytes.clone(), canonical: bytes.clone(), ..Content::default() };
        content.complement = bytes.clone();
        let origin = intake.origin(&self.document(kind, &bytes), None, None, None);
        let parts = (Operation::Upsert, entity, origin, Versions::default(), content);
        intake.append((kind, Lane::Live), parts.0, parts.1, parts.2, parts.3, parts.4).await.unwrap();

        let parked = Uuid::new_v4();
        let fault = Fault { pointer: "/nom".to_owned(), code: "no_value".to_owned(), problem: format!("`{MARKER}`") };
        intake.park(parked, &self.document(kind, &bytes), "unreadable", &[fault]).await.unwrap();

        let place = place_of_version(entity);
        let canonical = intake.bodies.keep(kind, entity, &place, bytes.clone()).await.unwrap().unwrap();
        let position = Position { generation: 1, offset: 1 };
        let plain = content_hash(&Record::new(Kind::Vacancy));
        let version = Version {
            entity_key: entity,
            position,
            message_id: MessageId::mint(),
            partner: anapec,
            kind,
            reference: None,
            content_hash: intake.bodies.hash(kind, entity, Purpose::Content, plain).await.unwrap().unwrap(),
            is_open: true,
            modified_at: None,
            recipients: Vec::new(),
            canonical: canonical.clone(),
        };
        let complements = vec![(entity, "canonical".to_owned(), position, canonical)];
        let routed = Routed { versions: vec![version], complements, ..Routed::default() };
        intake.store.record_routed(routed).await.unwrap();
        (entity, parked)
    }
}

/// The files of a folder that hold a text, in UTF-8, UTF-16, base64 at any offset, or escaped as JSON or in an address.
fn holding(folder: &Path, text: &str) -> BTreeSet<String> {
    let utf_16 = |bytes_of: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes_of).collect::<Vec<u8>>();
    let mut forms = vec![text.as_bytes().to_vec(), utf_16(u16::to_le_bytes), utf_16(u16::to_be_bytes)];
    for offset in 0..3 {
        let encoded = STANDARD.encode([&vec![b'x'; offset], text.as_bytes()].concat());
        // The first and last characters hold bits of what stands beside it.
        forms.push(encoded.as_bytes()[4..encoded.len() - 4].to_vec());
    }
    let escaped: String = text
        .chars()
        .map(|char| if char.is_ascii() { char.to_string() } else { format!("\\u{:04x}", u32::from(char)) })
        .collect();
    forms.push(escaped.into_bytes());
    forms
        .push(percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string().into_bytes());
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let holds = |file: &std::path::PathBuf| {
        let bytes = std::fs::read(file).unwrap();
        forms.iter().any(|form| memchr::memmem::find(&bytes, form).is_some())
    };
    files.filter(holds).map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn a_planted_marker_is_found_in_no_file() {
    let open = scene().await;
    open.leave_everywhere(Kind::Vacancy).await;
    let found = holding(open.folder.path(), MARKER);
    for place in ["log.db", "store.db"] {
        assert!(
            found.iter().any(|file| file.starts_with(place)),
            "the search finds what lies open in {place}: {found:?}"
        );
    }
    for form in ["utf16", "base64", "escaped"] {
        let folder = tempfile::tempdir().unwrap();
        let bytes = match form {
            "utf16" => MARKER.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            "base64" => STANDARD.encode(format!("ab{MARKER}cd")).into_bytes(),
            _ => MARKER.replace('á', "\\u00e1").into_bytes(),
        };
        std::fs::write(folder.path().join(form), bytes).unwrap();
        assert_eq!(holding(folder.path(), MARKER).len(), 1, "the search finds {form}");
    }

    let sealed = scene().await;
    let (entity, parked) = sealed.leave_everywhere(Kind::TalentProfile).await;
    assert_eq!(holding(sealed.folder.path(), MARKER), BTreeSet::new());
    assert_eq!(holding(sealed.folder.path(), FOREIGN_ID), BTreeSet::new());

    let Intake { backbone, store, bodies, .. } = &sealed.intake;
    let mut accepted = backbone.subscribe("test", Topic::accepted()).await.unwrap();
    let record = accepted.next(1).await.unwrap().remove(0);
    assert_eq!((record.envelope.header.entity_key, &record.envelope.header.origin.reference), (entity, &None));
    let content = bodies.content(&record.envelope).await.unwrap().unwrap();
    assert_eq!((content.raw.as_slice(), content.complement.as_slice()), (MARKER.as_bytes(), MARKER.as_bytes()));
    let input = store.parked_input(parked).await.unwrap().unwrap();
    let raw = bodies.kept(Kind::TalentProfile, &place_of_parked(parked), &input.raw).await.unwrap();
    assert_eq!(raw.as_deref(), Some(MARKER.as_bytes()), "nothing is lost");
    assert!(input.faults.contains("no_value") && !input.faults.contains("Zoubida"));
    let elsewhere = bodies.kept(Kind::TalentProfile, &place_of_parked(Uuid::new_v4()), &input.raw).await;
    assert!(elsewhere.is_err(), "it opens at its own place only");

    bodies.for_persons().unwrap().destroy(entity.as_uuid().into()).await.unwrap();
    assert!(bodies.content(&record.envelope).await.unwrap().is_none(), "erased from the log at once");
}
