//! What every log engine must do; each engine's tests call [`run`] with a way to open it again and again.

use std::time::Duration;

use schemas::{
    Body, Channel, Content, EntityKey, Envelope, Header, MessageId, Operation, Origin, PartnerId, Payload, Plain,
    Position, Versions,
};

use super::{Backbone, Frontier, Membership, Output, Stored, Subscription, Topic};
use crate::{left_alone::holds_nobody_up, supervisor::Supervisor};

/// What the environment says of a server that the tests may use.
///
/// # Panics
/// If it says nothing although the servers were to be started: what they prove would go unproven.
pub fn given(name: &str) -> Option<String> {
    let given = given_if_any(name);
    assert!(given.is_some() || given_if_any("PASSERELLE_TEST_ENGINES").is_none(), "`{name}` is not set");
    given
}

/// The same of what not every server has.
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment what they may use")]
pub fn given_if_any(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|given| !given.is_empty())
}

/// An envelope whose raw content is that text.
pub fn envelope(reference: &str, text: &str) -> Envelope {
    let partner: PartnerId = "acme".parse().unwrap();
    let header = Header {
        message_id: MessageId::mint(),
        operation: Operation::Upsert,
        entity_key: EntityKey::of_vacancy(&partner, reference),
        origin: Origin {
            partner,
            dialect: "canonical".parse().unwrap(),
            channel: Channel::Push,
            reference: Some(reference.to_owned()),
            idempotency: None,
            received_at: 0,
            modified_at: None,
        },
        hops: vec![],
        versions: Versions::default(),
        cause: None,
        recipient: None,
        lane: None,
        event: None,
    };
    let content = Content { raw: text.as_bytes().to_vec(), ..Content::default() };
    Envelope { header, payload: Payload::Vacancy(Some(Body::Plain(Plain { bytes: content.to_avro().unwrap() }))) }
}

fn text_of(stored: &Stored) -> String {
    let content = Content::from_avro(stored.envelope.plain().unwrap()).unwrap();
    String::from_utf8(content.raw).unwrap()
}

fn output(topic: &Topic, text: &str) -> Output {
    Output { topic: topic.clone(), envelope: envelope("R1", text) }
}

/// The entity of [`output`].
fn entity() -> EntityKey {
    envelope("R1", "").header.entity_key
}

/// The one share of a topic of one partition, with the membership that holds it.
async fn share(backbone: &dyn Backbone, consumer: &str, topic: &Topic) -> (Box<dyn Membership>, Box<dyn Subscription>) {
    let mut membership = backbone.join(consumer, topic.clone()).await.unwrap();
    let subscription = membership.next().await.unwrap().opening.await.unwrap();
    (membership, subscription)
}

async fn texts(backbone: &dyn Backbone, consumer: &str, topic: &Topic, count: usize) -> Vec<String> {
    texts_from(backbone.subscribe(consumer, topic.clone()).await.unwrap(), count).await
}

async fn texts_from(mut subscription: Box<dyn Subscription>, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    while texts.len() < count {
        texts.extend(subscription.next(2).await.unwrap().iter().map(text_of));
    }
    texts
}

/// Runs the suite. `open` opens the same log each time; the one before is closed by then.
pub async fn run(open: impl AsyncFn() -> (Box<dyn Backbone>, Supervisor)) {
    let (backbone, supervisor) = open().await;
    appended_records_are_read_in_order(&*backbone).await;
    a_waiting_reader_wakes(&*backbone).await;
    outputs_and_offset_come_together(&*backbone).await;
    consumers_do_not_disturb_each_other(&*backbone).await;
    many_writers_lose_nothing(&*backbone).await;
    holds_nobody_up("reading", async || backbone.end(&Topic("order".to_owned())).await.unwrap()).await;
    let before = a_record_can_be_fetched(&*backbone).await;
    drop(backbone);
    assert!(supervisor.stop(Duration::from_secs(10)).await, "the engine closes cleanly");

    let (backbone, supervisor) = open().await;
    what_was_committed_is_still_done(&*backbone).await;
    offsets_go_on_after_a_restart(&*backbone, before).await;
    drop(backbone);
    assert!(supervisor.stop(Duration::from_secs(10)).await);
}

async fn appended_records_are_read_in_order(backbone: &dyn Backbone) {
    let topic = Topic("order".to_owned());
    let outputs = (0..7).map(|number| output(&topic, &number.to_string())).collect();
    let positions = backbone.append(outputs).await.unwrap();
    assert!(positions.windows(2).all(|pair| pair[0] < pair[1]));
    let end = backbone.end(&topic).await.unwrap();
    assert!(positions.iter().all(|position| end.covers(*position)), "{end}");
    assert_eq!(end.to_string().parse::<Frontier>().unwrap(), end);
    assert_eq!(backbone.end(&Topic("empty".to_owned())).await.unwrap().ends, [0]);
    assert_eq!(texts(backbone, "a", &topic, 7).await, ["0", "1", "2", "3", "4", "5", "6"]);
}

async fn a_waiting_reader_wakes(backbone: &dyn Backbone) {
    let topic = Topic("wake".to_owned());
    let mut subscription = backbone.subscribe("a", topic.clone()).await.unwrap();
    let (read, ()) = tokio::join!(subscription.next(10), async {
        backbone.append(vec![output(&Topic("elsewhere".to_owned()), "noise")]).await.unwrap();
        backbone.append(vec![output(&topic, "news")]).await.unwrap();
    });
    assert_eq!(read.unwrap().iter().map(text_of).collect::<Vec<_>>(), ["news"]);
}

async fn outputs_and_offset_come_together(backbone: &dyn Backbone) {
    let (source, target) = (Topic("source".to_owned()), Topic("target".to_owned()));
    let positions =
        backbone.append(vec![output(&source, "1"), output(&source, "2"), output(&source, "3")]).await.unwrap();
    let (membership, mut subscription) = share(backbone, "router", &source).await;
    assert_eq!(backbone.lag("router", &source).await.unwrap(), 3);
    assert!(!backbone.is_done("router", &source, entity()).await.unwrap());
    let mut read = Vec::new();
    while read.len() < 2 {
        read.extend(subscription.next(1).await.unwrap());
    }
    subscription.commit(read[1].position, vec![output(&target, "one"), output(&target, "two")]).await.unwrap();
    assert_eq!(subscription.committed(), positions[1]);
    assert_eq!(backbone.lag("router", &source).await.unwrap(), 1);
    assert!(!backbone.is_done("router", &source, entity()).await.unwrap());
    assert!(backbone.is_done("router", &Topic("nothing".to_owned()), entity()).await.unwrap());
    assert_eq!(
        subscription.next(10).await.unwrap().iter().map(text_of).collect::<Vec<_>>(),
        ["3"],
        "read goes on after a commit"
    );
    let end = backbone.end(&source).await.unwrap();
    assert!(!backbone.has_passed("router", &source, &end).await.unwrap());
    assert_eq!(texts(backbone, "b", &target, 2).await, ["one", "two"]);
    drop((subscription, membership));
    let (_membership, again) = share(backbone, "router", &source).await;
    assert_eq!(texts_from(again, 1).await, ["3"], "what was not committed is read again");
}

async fn consumers_do_not_disturb_each_other(backbone: &dyn Backbone) {
    let topic = Topic("shared".to_owned());
    backbone.append(vec![output(&topic, "1"), output(&topic, "2")]).await.unwrap();
    let mut first = backbone.subscribe("first", topic.clone()).await.unwrap();
    let mut read = Vec::new();
    while read.len() < 2 {
        read.extend(first.next(2).await.unwrap());
    }
    first.commit(read[1].position, vec![]).await.unwrap();
    assert!(first.has_caught_up());
    let end = backbone.end(&topic).await.unwrap();
    assert!(backbone.has_passed("first", &topic, &end).await.unwrap());
    assert_eq!(texts(backbone, "second", &topic, 2).await, ["1", "2"]);
    assert!(backbone.is_done("first", &topic, entity()).await.unwrap());
}

async fn many_writers_lose_nothing(backbone: &dyn Backbone) {
    let topic = Topic("many".to_owned());
    let appends = (0..200).map(|number| backbone.append(vec![output(&topic, &number.to_string())]));
    let positions: Vec<Position> = futures::future::try_join_all(appends).await.unwrap().concat();
    let read = texts(backbone, "a", &topic, 200).await;
    let mut by_position: Vec<(Position, String)> =
        positions.into_iter().zip((0..200).map(|number| number.to_string())).collect();
    by_position.sort();
    assert_eq!(
        read,
        by_position.into_iter().map(|(_, text)| text).collect::<Vec<_>>(),
        "positions tell the order of reading"
    );
}

async fn a_record_can_be_fetched(backbone: &dyn Backbone) -> Position {
    let topic = Topic("fetch".to_owned());
    let position = backbone.append(vec![output(&topic, "here")]).await.unwrap()[0];
    assert_eq!(text_of(&backbone.fetch(&topic, position).await.unwrap().unwrap()), "here");
    assert!(
        backbone
            .fetch(&Topic("wake".to_owned()), position)
            .await
            .unwrap()
            .is_none_or(|found| text_of(&found) != "here")
    );
    let beyond = Position { offset: position.offset + 1_024, ..position };
    assert!(backbone.fetch(&topic, beyond).await.unwrap().is_none());
    let elsewhere = Position { generation: position.generation + 1, ..position };
    assert!(backbone.fetch(&topic, elsewhere).await.unwrap().is_none());
    position
}

async fn what_was_committed_is_still_done(backbone: &dyn Backbone) {
    let (_membership, again) = share(backbone, "router", &Topic("source".to_owned())).await;
    assert_eq!(texts_from(again, 1).await, ["3"]);
    assert_eq!(texts(backbone, "second", &Topic("shared".to_owned()), 2).await, ["1", "2"]);
}

async fn offsets_go_on_after_a_restart(backbone: &dyn Backbone, before: Position) {
    let topic = Topic("fetch".to_owned());
    let position = backbone.append(vec![output(&topic, "later")]).await.unwrap()[0];
    assert!(position > before);
}
