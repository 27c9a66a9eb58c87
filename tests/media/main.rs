//! Files of profiles, from outside: fetched from where profiles say, and read by those who may.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod scene;

#[path = "../support/mod.rs"]
mod support;

use futures::StreamExt;
use reqwest::{Method, Response};
use serde_json::json;

use self::{
    scene::{MORE, Scene, address_in, attachment, code},
    support::{
        FileServer, Says, Setup, document_bytes, document_file, picture_bytes, picture_file, pull_until, recalls,
        until, video_bytes, video_file,
    },
};

#[tokio::test]
async fn a_recipient_reads_what_the_person_permits_to_it_and_nothing_else() {
    let mut scene = Scene::start().await;
    let (photo, resume) =
        (scene.files.says("/photo.png", picture_file("1")), scene.files.says("/cv.pdf", document_file("1")));
    let attachments = json!([attachment("picture", &photo), attachment("curriculum_vitae", &resume)]);
    let (message, person, _) = scene.shown(&attachments).await;
    scene.until_step(&message, "media_kept - picture").await;
    scene.until_step(&message, "media_kept - attachments").await;
    scene.grant(&person, "rabat", &MORE).await;
    pull_until(&mut scene.rabat, &person, true).await;
    pull_until(&mut scene.morocco, &person, true).await;
    assert_eq!(address_in(&scene.morocco, &person, "curriculum_vitae"), None);
    let address = scene.address(&person, "picture");
    assert!(!address.contains(&scene.files.origin) && address.contains("/v1/morocco/media/"), "{address}");

    let token = scene.token(&address).await;
    let response = scene.read(&token).await;
    assert_eq!(response.status(), 200);
    for (name, value) in [
        ("content-type", "image/png"),
        ("accept-ranges", "bytes"),
        ("cache-control", "no-store"),
        ("content-disposition", "inline"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
    ] {
        assert_eq!(response.headers()[name], value, "{name}");
    }
    assert_eq!(response.bytes().await.unwrap(), picture_bytes("1"));
    assert_eq!(code(scene.read(&token).await).await, (404, "media_token_over".to_owned()), "it was used");

    let theirs = address_in(&scene.rabat, &person, "curriculum_vitae").unwrap();
    let ours = theirs.replace("/v1/rabat/", "/v1/morocco/");
    assert_eq!(code(scene.ask(&ours).await).await, (404, "not_found".to_owned()), "not permitted to this one");
    let rabat = scene.gateway.key("rabat").await;
    let response = scene.http.get(&theirs).bearer_auth(&rabat).send().await.unwrap();
    let token = response.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(scene.read(&token).await.bytes().await.unwrap(), document_bytes("1"));
    assert_eq!((scene.files.asked("/photo.png"), scene.files.asked("/cv.pdf")), (1, 1));
    assert_eq!((scene.morocco.violations(), scene.rabat.violations()), (&[][..], &[][..]));
}

#[tokio::test]
async fn whose_keys_are_destroyed_is_gone_with_the_files() {
    let mut scene = Scene::start().await;
    let photo = scene.files.says("/photo.png", picture_file("1"));
    let (_, person, _) = scene.shown(&json!([attachment("picture", &photo)])).await;
    let address = scene.address(&person, "picture");
    let token = scene.token(&address).await;
    scene.gateway.ask(Method::DELETE, &format!("/v1/subjects/{person}/keys"), &json!(null)).await;
    assert_eq!(scene.read(&token).await.status(), 404);
    assert_eq!(scene.ask(&address).await.status(), 404);
}

/// A range of what a token is good for.
async fn range(scene: &Scene, token: &str, range: &str) -> Response {
    scene.http.get(token).header("range", range).send().await.unwrap()
}

#[tokio::test]
async fn a_file_is_read_once_in_as_many_ranges_as_the_reader_likes() {
    let mut scene = Scene::start().await;
    let file = video_bytes(200_000);
    let video = scene.files.says("/video", Says::File("video/mp4", file.clone()));
    let (_, person, _) = scene.shown(&json!([attachment("video_cv", &video)])).await;
    let token = scene.token(&scene.address(&person, "video_cv")).await;

    let head = scene.http.head(&token).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()), (200, "200000"));
    assert_eq!(head.headers()["content-type"], "video/mp4");
    let beyond = range(&scene, &token, "bytes=200000-").await;
    assert_eq!(beyond.headers()["content-range"], "bytes */200000");
    assert_eq!(code(beyond).await, (416, "wrong_range".to_owned()));
    let mut read = Vec::new();
    for (asked, said) in [
        ("bytes=0-99999", "bytes 0-99999/200000"),
        ("bytes=100000-150000", "bytes 100000-150000/200000"),
        ("bytes=-49999", "bytes 150001-199999/200000"),
    ] {
        let response = range(&scene, &token, asked).await;
        assert_eq!((response.status().as_u16(), response.headers()["content-range"].to_str().unwrap()), (206, said));
        read.extend(response.bytes().await.unwrap());
    }
    assert!(read == file);
    assert_eq!(code(range(&scene, &token, "bytes=0-0").await).await, (404, "media_token_over".to_owned()));
}

#[tokio::test]
async fn what_a_reader_gives_up_may_be_read_again_and_nobody_gets_more_than_the_file_has() {
    const LENGTH: usize = 32 << 20;
    let mut scene = Scene::start().await;
    let video = scene.files.says("/video", video_file(LENGTH));
    let (_, person, _) = scene.shown(&json!([attachment("video_cv", &video)])).await;
    let token = scene.token(&scene.address(&person, "video_cv")).await;
    let given_up = scene.read(&token).await;
    assert_eq!(scene.read(&token).await.status(), 404, "all of it is under way");
    drop(given_up);
    let half = format!("bytes={}-", LENGTH / 2);
    // Kept: what it is not sent would be given back, too.
    let mut kept = None;
    until("what was not sent was given back", async || {
        let response = kept.insert(range(&scene, &token, &half).await);
        response.status() == 206
    })
    .await;
    assert_eq!(range(&scene, &token, "bytes=0-").await.status(), 404);
    drop(kept);
}

#[tokio::test]
async fn an_address_is_over_after_a_while() {
    let mut scene = Scene::with(|setup| setup.setting("MEDIA__TOKEN_SECONDS", "1")).await;
    let photo = scene.files.says("/photo.png", picture_file("1"));
    let (_, person, _) = scene.shown(&json!([attachment("picture", &photo)])).await;
    let token = scene.token(&scene.address(&person, "picture")).await;
    until("it is over", async || scene.http.head(&token).send().await.unwrap().status() == 404).await;
    assert_eq!(code(scene.read(&token).await).await, (404, "media_token_over".to_owned()));
}

#[tokio::test]
async fn what_is_withdrawn_cannot_be_read_any_more() {
    let mut scene = Scene::start().await;
    let photo = scene.files.says("/photo.png", picture_file("1"));
    let (_, person, record) = scene.shown(&json!([attachment("picture", &photo)])).await;
    let address = scene.address(&person, "picture");
    let token = scene.token(&address).await;
    scene.withdraw(&record).await;
    assert_eq!(code(scene.read(&token).await).await, (404, "media_token_over".to_owned()));
    assert_eq!(code(scene.ask(&address).await).await, (404, "not_found".to_owned()));
    assert_eq!(recalls(&scene.gateway, &format!("subject={person}")).await.len(), 1);
}

#[tokio::test]
async fn a_withdrawal_ends_what_is_being_read() {
    const LENGTH: usize = 32 << 20;
    let mut scene = Scene::start().await;
    let video = scene.files.says("/video", video_file(LENGTH));
    let (_, person, record) = scene.shown(&json!([attachment("video_cv", &video)])).await;
    let token = scene.token(&scene.address(&person, "video_cv")).await;
    let mut reading = scene.read(&token).await.bytes_stream();
    let mut read = reading.next().await.unwrap().unwrap().len();
    scene.withdraw(&record).await;
    let end = loop {
        match reading.next().await {
            Some(Ok(bytes)) => read += bytes.len(),
            end => break end,
        }
    };
    assert!(matches!(end, Some(Err(_))), "it breaks off");
    assert!(read < LENGTH / 2, "what the connection held: {read}");
}

#[tokio::test]
async fn what_cannot_be_fetched_keeps_no_profile_back() {
    let mut scene = Scene::start().await;
    let trap = FileServer::start().await;
    for (link, expected) in [
        ("https://127.0.0.1/photo.png".to_owned(), "media_address"),
        (trap.says("/photo.png", picture_file("1")), "media_link"),
        (scene.files.says("/meta", Says::Redirect("https://169.254.169.254/latest/".to_owned())), "media_address"),
        (scene.files.says("/inside", Says::Redirect(format!("{}/photo.png", trap.origin))), "media_link"),
        (scene.files.says("/gone", Says::Status(404)), "media_status"),
        (scene.files.says("/page", Says::File("image/png", b"<!DOCTYPE html><html/>".to_vec())), "media_wrong_type"),
        (scene.files.says("/cut", Says::File("image/png", b"\x89PNG\r\n\x1a\n".to_vec())), "media_damaged"),
        ("a key of the source's store".to_owned(), "media_link"),
    ] {
        let (message, person, record) = scene.shown(&json!([attachment("picture", &link)])).await;
        scene.until_step(&message, &format!("media_failed {expected} picture")).await;
        until("the newest version is shown", async || {
            scene.morocco.pull().await.unwrap();
            let address = scene.address(&person, "picture");
            code(scene.ask(&address).await).await == (404, "media_failed".to_owned())
        })
        .await;
        scene.withdraw(&record).await;
        pull_until(&mut scene.morocco, &person, false).await;
    }
    assert_eq!(trap.asked("/photo.png"), 0);
}

#[tokio::test]
async fn what_is_not_there_yet_is_fetched_later() {
    let mut scene = Scene::start().await;
    let photo = scene.files.says("/photo.png", Says::Status(503));
    let (message, person, _) = scene.shown(&json!([attachment("picture", &photo)])).await;
    let address = scene.address(&person, "picture");
    until("it was tried again", async || scene.files.asked("/photo.png") > 2).await;
    let response = scene.ask(&address).await;
    assert_eq!(response.headers()["retry-after"], "2");
    assert_eq!(code(response).await, (503, "media_not_yet_here".to_owned()));
    scene.files.says("/photo.png", picture_file("1"));
    let token = scene.token(&address).await;
    assert_eq!(scene.read(&token).await.bytes().await.unwrap(), picture_bytes("1"));
    scene.until_step(&message, "media_kept - picture").await;
    let asked = scene.files.asked("/photo.png");
    scene.push(&json!([attachment("picture", &photo), attachment("certificate", &photo)])).await;
    until("the other one was fetched", async || scene.files.asked("/photo.png") > asked).await;
    assert_eq!(scene.files.asked("/photo.png"), asked + 1, "what is here is not fetched again");
}

#[tokio::test]
async fn a_killed_gateway_fetches_after_its_restart() {
    let mut scene = Scene::start().await;
    let photo = scene.files.says("/photo.png", Says::Nothing);
    let (message, person) = scene.push(&json!([attachment("picture", &photo)])).await;
    until("it is being fetched", async || scene.files.asked("/photo.png") == 1).await;
    scene.gateway.kill().await;
    scene.files.says("/photo.png", picture_file("1"));
    scene.gateway.start().await;
    scene.until_step(&message, "media_kept - picture").await;
    scene.permit(&person).await;
    pull_until(&mut scene.morocco, &person, true).await;
    let token = scene.token(&scene.address(&person, "picture")).await;
    assert_eq!(scene.read(&token).await.bytes().await.unwrap(), picture_bytes("1"));
}

#[tokio::test]
async fn only_the_recipient_asks_for_its_files() {
    let mut scene = Scene::start().await;
    let photo = scene.files.says("/photo.png", picture_file("1"));
    let (_, person, _) = scene.shown(&json!([attachment("picture", &photo)])).await;
    let address = scene.address(&person, "picture");
    scene.token(&address).await;
    let (foreign, operator) = (scene.gateway.key("rabat").await, scene.gateway.operator_token());
    let ask = async |address: &str, key: &str| {
        scene.http.get(address).bearer_auth(key).send().await.unwrap().status().as_u16()
    };
    assert_eq!(ask(&address, &foreign).await, 403);
    assert_eq!(ask(&address, &operator).await, 403);
    assert_eq!(ask(&address, "nonsense").await, 401);
    assert_eq!(ask(&address.replace("/morocco/", "/rabat/"), &foreign).await, 404, "it was never sent the profile");
    let (before, _) = address.rsplit_once('/').unwrap();
    for unknown in [format!("{before}/{}", uuid::Uuid::new_v4()), format!("{before}/1")] {
        assert_eq!(ask(&unknown, &scene.key).await, 404);
    }
    assert_eq!(scene.read(&format!("{}/nonsense", scene.gateway.url("/v1/media"))).await.status(), 404);
}

#[tokio::test]
async fn what_no_version_links_to_is_gone_and_removed() {
    let impatient = |setup: Setup| {
        let setup = setup.setting("MEDIA__FETCH_TIMEOUT_MS", "900").setting("MEDIA__GRACE_SECONDS", "2");
        setup.setting("MEDIA__SWEEP_SECONDS", "1")
    };
    let mut scene = Scene::with(impatient).await;
    let photo = scene.files.says("/photo.png", picture_file("1"));
    let (_, person, _) = scene.shown(&json!([attachment("picture", &photo)])).await;
    let address = scene.address(&person, "picture");
    let token = scene.token(&address).await;
    scene.push(&json!([])).await;
    until("nobody links to it", async || scene.ask(&address).await.status() == 404).await;
    assert_eq!(code(scene.ask(&address).await).await, (404, "not_found".to_owned()));
    assert_eq!(code(scene.read(&token).await).await, (404, "media_token_over".to_owned()));
    until("it was removed", async || scene.gateway.metric("passerelle_media_removed_total", "").await > 0.0).await;
    scene.push(&json!([attachment("picture", &photo)])).await;
    let token = scene.token(&address).await;
    assert_eq!(scene.read(&token).await.bytes().await.unwrap(), picture_bytes("1"), "it is fetched anew");
}

#[tokio::test]
async fn what_was_routed_before_files_were_fetched_is_fetched_when_it_goes() {
    let mut scene = Scene::start().await;
    let photo = scene.files.says("/photo.png", picture_file("1"));
    let file = scene.gateway.folder.path().join("partners/anapec.toml");
    let with = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, with.split("[incoming.talent_profile.media]").next().unwrap()).unwrap();
    scene.gateway.ask(Method::POST, "/v1/configuration/reload", &json!({})).await;
    let (_, person, record) = scene.shown(&json!([attachment("picture", &photo)])).await;
    assert_eq!(scene.address(&person, "picture"), photo, "links travel as they are");
    std::fs::write(&file, with).unwrap();
    scene.gateway.ask(Method::POST, "/v1/configuration/reload", &json!({})).await;
    scene.withdraw(&record).await;
    pull_until(&mut scene.morocco, &person, false).await;
    scene.permit(&person).await;
    pull_until(&mut scene.morocco, &person, true).await;
    let token = scene.token(&scene.address(&person, "picture")).await;
    assert_eq!(scene.read(&token).await.bytes().await.unwrap(), picture_bytes("1"));
}
