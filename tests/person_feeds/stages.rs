//! Conditions of a stage move with the placement, and once it is over what went is asked back in time.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    pictures,
    scene::Scene,
    support::{pull_until, until},
};

/// An event of the platform in Belgium, so many hours ago.
fn event(person: &str, happened: &str, hours_ago: i64) -> Value {
    let at = Timestamp::now() - SignedDuration::from_hours(hours_ago);
    json!({
        "specversion": "1.0", "id": format!("{happened}-{hours_ago}"), "source": "/belgium", "subject": person,
        "type": format!("org.passerelle.placement.{happened}"), "time": at.to_string(),
        "data": {"employer": {"name": "Zonnedauw Software"}},
    })
}

/// Tells an event as the platform in Belgium; the message.
async fn tell(scene: &Scene, event: &Value) -> String {
    let url = scene.gateway.url("/v1/belgium/placement_status");
    let key = scene.gateway.key("belgium").await;
    let answer = scene.gateway.http.post(url).bearer_auth(key).json(event).send().await.unwrap();
    let (status, said): (_, Value) = (answer.status(), answer.json().await.unwrap());
    assert_eq!(status, 202, "{said}");
    said["message_id"].as_str().unwrap().to_owned()
}

/// A person whom the platform in Belgium shows, without the picture for now.
async fn shown(scene: &mut Scene) -> String {
    let (_, person) = scene.push(1, "Soudeuse").await;
    scene.permit_belgium(&person).await;
    pull_until(&mut scene.belgium, &person, true).await;
    assert_eq!(pictures(&scene.belgium.shown()[&person].document), 0, "not before there is an interview");
    person
}

/// Pulls until the platform shows so many pictures of a person.
async fn until_pictures(scene: &mut Scene, person: &str, number: usize) {
    let Scene { belgium, .. } = scene;
    until(&format!("{number} pictures are shown"), async || {
        belgium.pull().await.unwrap();
        belgium.shown().get(person).map(|profile| pictures(&profile.document)) == Some(number)
    })
    .await;
}

#[tokio::test]
async fn what_is_permitted_from_an_interview_on_goes_once_there_is_one_and_not_to_others() {
    let mut scene = Scene::start().await;
    let person = shown(&mut scene).await;
    tell(&scene, &event(&person, "sourced", 5)).await;
    tell(&scene, &event(&person, "interview_scheduled", 4)).await;
    until_pictures(&mut scene, &person, 1).await;
    // Taken back, and with it the stage.
    let mut correction = event(&person, "presented", 3);
    correction["data"]["supersedes"] = json!("interview_scheduled-4");
    tell(&scene, &correction).await;
    until_pictures(&mut scene, &person, 0).await;
    assert_eq!(scene.belgium.violations(), []);
}

#[tokio::test]
async fn once_a_placement_is_over_what_went_is_asked_back_when_it_may_not_be_kept_any_longer() {
    let mut scene = Scene::start().await;
    let person = shown(&mut scene).await;
    tell(&scene, &event(&person, "sourced", 24 * 400)).await;
    let lately = tell(&scene, &event(&person, "rejected", 1)).await;
    scene.until_step(&lately, "noted - -").await;
    pull_until(&mut scene.belgium, &person, true).await;
    assert_eq!(scene.recalls(&person).await, Vec::<String>::new(), "it may be kept for six months");
    // It was over long before, as is said now.
    let mut correction = event(&person, "rejected", 24 * 365);
    correction["data"]["supersedes"] = json!("rejected-1");
    tell(&scene, &correction).await;
    pull_until(&mut scene.belgium, &person, false).await;
    until("it is acknowledged", async || {
        scene.belgium.pull().await.unwrap();
        scene.recalls(&person).await == ["belgium retention_over acknowledged -"]
    })
    .await;
    // Whoever applies again begins anew.
    tell(&scene, &event(&person, "applied", 0)).await;
    pull_until(&mut scene.belgium, &person, true).await;
}
