//! The persons of the demo: ANAPEC brings their profiles, they permit one employer to have them, and another gets nothing.
//! In the end one of them takes the permission back.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use connectors::{rest::stub::RestStub, revision};
use jiff::{SignedDuration, Timestamp};
use schemas::Operation;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{super::output::say, scene::Scene, traffic::short};

/// What a person of the demo permits: much, but not the picture before there is an interview.
const GRANT: &str = include_str!("grant.json");
/// Between two changes of a profile.
const EVERY: Duration = Duration::from_secs(2);
/// How long the first profile may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// The persons, by where their profiles are pushed, and what those say.
fn profiles(revision: u64) -> [(&'static str, Value); 2] {
    let skills = format!("Lassen, pijpfitten {}", revision::mark(revision));
    let registered = json!({
        "chercheur": {
            "cin": "XX000001", "nom_candidat": "AIT EXEMPLE", "prenom": "Fatima", "nationalite": 0, "sexe": "F",
            "date_naissance": "05-03-1997", "adresse": "12 rue des Orangers inventés", "ville_id": 11,
            "e_mail": "fatima@example.org", "n_gsm": "0600000001", "situation_p_r_emploi": "Sans emploi",
            "competences_specifiques": skills,
        },
    });
    let with_picture = json!({
        "documentId": {"value": "demo-2"},
        "person": {
            "name": {"formattedName": "Amina Voorbeeld"}, "birthDate": "1990-04-05",
            "communication": {"email": [{"useCode": "private", "address": "amina@example.org"}]},
        },
        "profiles": [{
            "objective": skills,
            "attachments": [{"purpose": "picture", "url": "https://media.example/amina.jpg"}],
        }],
    });
    [("/v1/anapec/talent_profile", registered), ("/v1/anapec/talent_profile?dialect=hropen-json", with_picture)]
}

/// Brings profiles until it is asked to stop; at least once each, and until the employer that may have them does.
/// Then one of the persons takes the permission back.
pub async fn traffic(scene: &Scene, stop: &CancellationToken) {
    if let Err(error) = bring(scene, stop).await {
        say(&format!("ANAPEC brings   {error:#}"));
    }
}

async fn bring(scene: &Scene, stop: &CancellationToken) -> Result<()> {
    let token = scene.partner_key("anapec").await?;
    let mut permitted = Vec::new();
    for (address, profile) in profiles(1) {
        let receipt = scene.post(address, &token, &profile).await?;
        let person = receipt["entity_key"].as_str().context("a receipt without a pseudonym")?;
        say(&format!("ANAPEC brings   talent profile of {}", short(person)));
        permitted.push((person.to_owned(), scene.keep(&grant(person)?).await?));
        say(&format!("  {} permits one employer to have it, without the picture for now", short(person)));
    }
    let arrived = async {
        while scene.staal.references().len() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, arrived).await.context("the profiles did not arrive")?;
    let mut revision = 2;
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        for (address, profile) in profiles(revision) {
            scene.post(address, &token, &profile).await?;
        }
        revision += 1;
    }
    let (person, record) = permitted.first().context("nobody permitted anything")?;
    withdraw(scene, record).await?;
    say(&format!("  {} takes the permission back: nothing more goes, and what went is recalled", short(person)));
    until_recalled(scene, person, 1, async || ()).await?;
    say(&format!("Staalbouw says   it has deleted the profile of {}", short(person)));
    let (address, profile) = &profiles(revision)[0];
    scene.post(address, &token, profile).await?;
    Ok(())
}

/// Takes a permission back.
pub async fn withdraw(scene: &Scene, record: &str) -> Result<()> {
    let address = format!("/v1/consents/{record}/withdraw");
    scene.post(&address, &scene.operator_token, &json!({"method": "web"})).await?;
    Ok(())
}

/// Waits until as many as have got something of a person have answered that they delete it; meanwhile they may do something.
pub async fn until_recalled(scene: &Scene, person: &str, recipients: usize, meanwhile: impl AsyncFn()) -> Result<()> {
    let recalls = format!("/v1/recalls?subject={person}");
    let is_answered = |said: &Value| {
        let recalls = said["recalls"].as_array().map_or(&[][..], Vec::as_slice);
        recalls.len() == recipients && recalls.iter().all(|recall| recall["state"] == "acknowledged")
    };
    let answered = async {
        // Engines that have lost a server may need a while to answer.
        while !scene.ask(&recalls).await.is_ok_and(|said| is_answered(&said)) {
            meanwhile().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, answered).await.context("the recall was not answered")
}

/// What a person permits, an hour ago.
pub fn grant(person: &str) -> Result<Value> {
    let mut grant: Value = serde_json::from_str(GRANT)?;
    grant["header"]["record_id"] = uuid::Uuid::new_v4().to_string().into();
    grant["header"]["subject"] = person.into();
    let at = Timestamp::now() - SignedDuration::from_hours(1);
    for event in grant["events"].as_array_mut().into_iter().flatten() {
        event["at"] = at.to_string().into();
    }
    Ok(grant)
}

/// Permits to tell stages and dates, too.
pub fn permit_statuses(provision: &mut Value) -> Result<()> {
    let categories = provision["categories"].as_array_mut().context("a permission without categories")?;
    categories.push("status_feedback".into());
    Ok(())
}

/// Whether the one employer got the profiles, without a picture and told so, and the other nothing.
pub fn verdict(staal: &RestStub, hout: &RestStub) -> Result<()> {
    ensure!(hout.requests() == 0, "an employer that nobody permits anything was sent something");
    let references = staal.references();
    ensure!(references.len() == 2, "the employer has {} of 2 profiles", references.len());
    let last = |reference: &String| staal.history(reference).last().map(|received| received.operation);
    let ended = references.iter().filter(|reference| last(reference) == Some(Operation::Close)).count();
    ensure!(ended == 1, "{ended} profiles are recalled, and one permission was taken back");
    let received = references.iter().flat_map(|reference| staal.history(reference));
    for document in received.filter(|received| received.operation == Operation::Upsert) {
        let notice = document.notice.as_ref().context("nobody said what is withheld")?;
        ensure!(notice.withheld.contains("picture;"), "the picture is not withheld: {}", notice.withheld);
        let body = std::str::from_utf8(&document.body)?;
        ensure!(!body.contains("media.example"), "the employer got a picture");
    }
    Ok(())
}
