//! Feeds: the four rules on time stamps (EURES FMES 1.3.2, ch. 2.2.1), and stamps that only ever grow.

use crate::store::{FeedChange, FeedItem, Store};

use super::records::acme;

pub async fn run(store: &dyn Store) {
    let show = async |reference: &str, content: &str, now| {
        store.change_feed(&acme(), reference, FeedChange::Show(content.to_owned()), now).await.unwrap();
    };
    let item = async |reference: &str| store.feed_details(&acme(), &[reference.to_owned()]).await.unwrap().remove(0);
    let references = |items: Vec<FeedItem>| items.into_iter().map(|item| item.reference).collect::<Vec<_>>();

    show("v1", "one", 1_000).await;
    assert_eq!(
        item("v1").await,
        FeedItem {
            reference: "v1".to_owned(),
            is_active: true,
            content: "one".to_owned(),
            created_at: 1_000,
            modified_at: 1_000,
            closed_at: None
        }
    );

    show("v1", "one", 2_000).await;
    assert_eq!(item("v1").await.modified_at, 1_000, "an unchanged resend changes nothing");

    show("v1", "two", 2_000).await;
    let changed = item("v1").await;
    assert_eq!((changed.created_at, changed.modified_at), (1_000, 2_000), "rule 4");

    show("v2", "other", 1_500).await;
    assert_eq!(item("v2").await.created_at, 2_001, "a clock that went back makes no stamp that was passed");

    store.change_feed(&acme(), "v1", FeedChange::Close, 3_000).await.unwrap();
    store.change_feed(&acme(), "v1", FeedChange::Close, 4_000).await.unwrap();
    let closed = item("v1").await;
    assert_eq!((closed.is_active, closed.closed_at, closed.content.as_str()), (false, Some(3_000), ""), "rule 2");
    assert_eq!(references(store.feed_active(&acme()).await.unwrap()), ["v2"]);
    assert_eq!(references(store.feed_changes(&acme(), 2_001).await.unwrap()), ["v2", "v1"], "at or after");
    assert_eq!(references(store.feed_changes(&acme(), 2_002).await.unwrap()), ["v1"]);

    show("v1", "two", 5_000).await;
    let reopened = item("v1").await;
    assert_eq!((reopened.created_at, reopened.closed_at), (5_000, None), "rule 3");

    store.change_feed(&acme(), "never-shown", FeedChange::Close, 6_000).await.unwrap();
    assert_eq!(store.feed_details(&acme(), &["never-shown".to_owned()]).await.unwrap(), []);
    assert_eq!(store.feed_active(&"zenith".parse().unwrap()).await.unwrap(), [], "each partner has a feed of its own");
}

pub async fn after_restart(store: &dyn Store) {
    store.change_feed(&acme(), "v3", FeedChange::Show("late".to_owned()), 10).await.unwrap();
    let item = store.feed_details(&acme(), &["v3".to_owned()]).await.unwrap().remove(0);
    assert_eq!(item.created_at, 5_001, "stamps outlive the process");
}
