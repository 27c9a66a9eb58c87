//! Sources whose own list is compared with what is known of them: lost webhooks, pages that change silently.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use std::{collections::BTreeMap, fs, sync::Arc};

use connectors::{
    anapec::stub::{AnapecStub, AnapecStubSettings},
    greenhouse::stub::{GreenhouseSettings, GreenhouseStub, HarvestStub, HarvestStubSettings},
    rest::stub::{RestStub, RestStubSettings},
};
use jiff::Timestamp;
use schemas::{EntityKey, Operation};

use self::support::{Gateway, Setup, WEBHOOK_SECRET, greenhouse_source, rest_receiver, until};

const SECRET: &str = "an-invented-client-secret";

/// What is open, by outgoing reference, and its newest revision.
type Open = BTreeMap<String, Option<u64>>;

async fn receiver() -> RestStub {
    RestStub::start(RestStubSettings { token: Some("receiver".into()), ..RestStubSettings::default() }).await.unwrap()
}

fn setup(receiver: &RestStub) -> Setup {
    Setup::new()
        .partner(rest_receiver("agency", "canonical", receiver.base_url().as_str(), "by_key"))
        .secret("agency-token", "receiver")
}

fn shown(receiver: &RestStub) -> Open {
    let last = receiver.references().into_iter().filter_map(|key| Some((receiver.history(&key).pop()?, key)));
    last.filter(|(last, _)| last.operation == Operation::Upsert).map(|(last, key)| (key, last.revision)).collect()
}

async fn until_alike(receiver: &RestStub, gateway: &Gateway, has: impl Fn() -> Open) {
    until("the receiver shows what the source has", async || shown(receiver) == has()).await;
    assert_eq!(gateway.get("/v1/parked").await["parked"].as_array().unwrap().len(), 0);
}

fn outgoing(partner: &str, reference: &str) -> String {
    EntityKey::of_vacancy(&partner.parse().unwrap(), reference).to_string()
}

/// `[poll]` for an employer's Greenhouse.
fn harvest_poll(harvest: &HarvestStub) -> String {
    format!(
        "\n[poll]\nevery_seconds = 1\n[poll.source]\nkind = \"greenhouse\"\nbase_url = \"{}\"\ntoken_url = \"{}\"\n\
         client_id = \"client\"\nclient_secret = \"harvest\"\nsubject = \"4242\"\n",
        harvest.api_url(),
        harvest.token_url()
    )
}

#[tokio::test]
async fn what_webhooks_of_greenhouse_did_not_tell_is_found() {
    let receiver = receiver().await;
    let gateway = setup(&receiver)
        .partner(greenhouse_source("metal"))
        .secret("greenhouse-webhook", WEBHOOK_SECRET)
        .secret("harvest", SECRET)
        .start()
        .await;
    let target = gateway.url("/v1/metal/webhook").parse().unwrap();
    let ats = Arc::new(GreenhouseStub::new(GreenhouseSettings::new(target, WEBHOOK_SECRET.into(), 7)));
    let account = HarvestStubSettings::new("client".to_owned(), SECRET.into(), "4242".to_owned());
    let harvest = ats.open_harvest(account).await.unwrap();
    let told: Vec<u64> = [ats.create().await, ats.create().await, ats.create().await].map(|told| told.post).into();
    let has = || -> Open {
        let last = ats.ledger().into_iter().filter_map(|(post, ledger)| Some((post, ledger.last()?.clone())));
        last.filter(|(_, last)| last.live)
            .map(|(post, last)| (outgoing("metal", &post.to_string()), Some(last.revision)))
            .collect()
    };
    until_alike(&receiver, &gateway, has).await;

    ats.update_untold(told[0]).unwrap();
    ats.delete_untold(told[1]).unwrap();
    ats.create_untold();
    let file = gateway.folder.path().join("partners/metal.toml");
    let webhook = fs::read_to_string(&file).unwrap();
    let before_defaults = webhook.replace("\n[defaults]", &format!("{}\n[defaults]", harvest_poll(&harvest)));
    fs::write(&file, before_defaults).unwrap();
    until_alike(&receiver, &gateway, has).await;

    ats.update(told[2]).await.unwrap();
    ats.create().await;
    until_alike(&receiver, &gateway, has).await;
    assert_eq!(harvest.violations(), [""; 0]);
}

#[tokio::test]
async fn what_anapec_shows_is_followed() {
    let (receiver, anapec) = (receiver().await, AnapecStub::start(AnapecStubSettings::default()).await.unwrap());
    let offers: Vec<String> = (0..20).map(|_| anapec.publish(Timestamp::now())).collect();
    let source = format!(
        "name = \"ANAPEC (invented)\"\ncountry = \"MA\"\nrole = \"public_service\"\n[incoming.vacancy]\ndialect = \"anapec-offer\"\n\
         [poll]\nevery_seconds = 1\n[poll.source]\nkind = \"anapec\"\nbase_url = \"{}\"\nrefresh_every_seconds = 1\n",
        anapec.site_url()
    );
    let gateway = setup(&receiver).partner(("anapec", source)).start().await;
    let has = || -> Open {
        let offers = anapec.offers().into_iter();
        offers.map(|offer| (outgoing("anapec", &offer.id), Some(offer.revision))).collect()
    };
    until_alike(&receiver, &gateway, has).await;
    anapec.change(&offers[0]);
    anapec.change_page(&offers[1]);
    anapec.withdraw(&offers[2]);
    anapec.publish(Timestamp::now());
    until_alike(&receiver, &gateway, has).await;
}
