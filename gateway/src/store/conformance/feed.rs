//! Feeds: the four rules on time stamps (EURES FMES 1.3.2, ch. 2.2.1), and stamps that only ever grow.

use schemas::PartnerId;

use super::records::acme;
use crate::store::{FeedBound, FeedChange, FeedItem, Store};

pub async fn run(store: &dyn Store) {
    let show = async |reference: &str, content: &str, now| {
        store.change_feed(&acme(), reference, shown(content), now).await.unwrap();
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
            media_type: "text/plain".to_owned(),
            created_at: 1_000,
            modified_at: 1_000,
            closed_at: None,
            reason: None,
            source_reason: None,
        }
    );

    show("v1", "one", 2_000).await;
    assert_eq!(item("v1").await.modified_at, 1_000, "an unchanged resend changes nothing");

    show("v1", "two", 2_000).await;
    let changed = item("v1").await;
    assert_eq!((changed.created_at, changed.modified_at), (1_000, 2_000), "rule 4");

    show("v2", "other", 1_500).await;
    assert_eq!(item("v2").await.created_at, 2_001, "a clock that went back makes no stamp that was passed");

    store.change_feed(&acme(), "v1", gone("closed"), 3_000).await.unwrap();
    store.change_feed(&acme(), "v1", gone("other"), 4_000).await.unwrap();
    let closed = item("v1").await;
    assert_eq!((closed.is_active, closed.closed_at, closed.content.as_str()), (false, Some(3_000), ""), "rule 2");
    assert_eq!((closed.reason.as_deref(), closed.source_reason.as_deref()), (Some("closed"), Some("filled")));
    assert_eq!(references(store.feed_active(&acme()).await.unwrap()), ["v2"]);
    assert_eq!(references(store.feed_changes(&acme(), 2_001).await.unwrap()), ["v2", "v1"], "at or after");
    assert_eq!(references(store.feed_changes(&acme(), 2_002).await.unwrap()), ["v1"]);

    show("v1", "two", 5_000).await;
    let reopened = item("v1").await;
    assert_eq!((reopened.created_at, reopened.closed_at), (5_000, None), "rule 3");

    store.change_feed(&acme(), "never-shown", gone("closed"), 6_000).await.unwrap();
    assert_eq!(store.feed_details(&acme(), &["never-shown".to_owned()]).await.unwrap(), []);
    assert_eq!(store.feed_active(&"zenith".parse().unwrap()).await.unwrap(), [], "each partner has a feed of its own");
}

/// Stretches: each change once, in the order of the stamps, and nothing skipped that changes meanwhile.
pub async fn stretches(store: &dyn Store) {
    let puller: PartnerId = "puller".parse().unwrap();
    let show = async |reference: &str, content: &str| {
        store.change_feed(&puller, reference, shown(content), 100).await.unwrap();
    };
    let read = async |from, items, size_bytes| {
        let stretch = store.feed_stretch(&puller, from, FeedBound { items, size_bytes }).await.unwrap();
        let seen = stretch.items.into_iter().map(|item| format!("{}={}", item.reference, item.content));
        (seen.collect::<Vec<_>>(), stretch.next, stretch.has_more)
    };
    assert_eq!(store.feed_end(&puller).await.unwrap(), 0);
    assert_eq!(read(0, 10, 1_000).await, (vec![], 0, false), "an empty feed is read from where it was");
    for reference in ["a", "b", "c", "d"] {
        show(reference, "first").await;
    }
    assert_eq!(store.feed_end(&puller).await.unwrap(), 103, "the clock stands still, the stamps do not");
    let (seen, next, has_more) = read(0, 2, 1_000).await;
    assert_eq!((seen, next, has_more), (vec!["a=first".to_owned(), "b=first".to_owned()], 102, true));
    // Between two reads: one behind the cursor is corrected, one ahead of it is closed.
    show("a", "corrected").await;
    store.change_feed(&puller, "c", gone("closed"), 100).await.unwrap();
    let (seen, next, has_more) = read(next, 10, 1_000).await;
    assert_eq!(seen, ["d=first", "a=corrected", "c="], "each in its newest state, none left out");
    assert!(!has_more);
    assert_eq!(read(next, 10, 1_000).await, (vec![], next, false), "nothing new leaves the place as it was");
    assert_eq!(read(0, 10, 8).await, (vec!["b=first".to_owned()], 102, true), "the bound in bytes holds");
    assert_eq!(read(0, 10, 1).await.0, ["b=first"], "one at least");
    assert_eq!(read(0, 10, 1_000).await.0, ["b=first", "d=first", "a=corrected", "c="], "all anew, closings too");
}

fn shown(content: &str) -> FeedChange {
    FeedChange::Show { content: content.to_owned(), media_type: "text/plain".to_owned() }
}

fn gone(reason: &str) -> FeedChange {
    FeedChange::Close { reason: Some(reason.to_owned()), source_reason: Some("filled".to_owned()) }
}

pub async fn after_restart(store: &dyn Store) {
    store.change_feed(&acme(), "v3", shown("late"), 10).await.unwrap();
    let item = store.feed_details(&acme(), &["v3".to_owned()]).await.unwrap().remove(0);
    assert_eq!(item.created_at, 5_001, "stamps outlive the process");
}
