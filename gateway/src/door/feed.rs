//! The outgoing feed, for partners that pull: pages in their own dialect, in the order of change, closings told apart.
//!
//! What is about persons is decided on at the pull; see `pulls/persons.rs`.
//!
//! **Invariant:** no change is ever skipped. A cursor is a stamp of the feed, stamps only grow, and a page begins at
//! or after its cursor.

use std::num::NonZeroU16;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use schemas::{Hash, Kind, PartnerId, hash_of};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::{Door, identity::Identity, messages::instant, problem::Problem};
use crate::{code::code, config::Connector, pulls, store::FeedBound};

/// Items of a page, unless the caller says otherwise.
const PAGE: u16 = 100;
/// Items of a page at most.
const LONGEST_PAGE: u16 = 1_000;
/// Documents of a page, in bytes; a page always holds one item.
const PAGE_SIZE_BYTES: usize = 8 << 20;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// The `cursor` of the page before; without one the feed is read from its beginning.
    #[param(example = "MTphZ2VuY3k6MTc5NTMzNDQwMDAwMQ")]
    cursor: Option<String>,
    /// At most so many items; 100 if not said, never more than 1,000.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000)]
    limit: Option<NonZeroU16>,
}

/// A page of a feed. Whoever applies `items` and `closed` of every page in turn holds what the feed holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "items": [{
        "reference": "0c6f0a5e-7f0c-5c8a-9d55-5f8e3f1f9d11",
        "operation": "upsert",
        "created": "2026-11-22T08:30:00.000Z",
        "modified": "2026-11-22T09:15:00.000Z",
        "media_type": "application/json",
        "document": {"reference": "0c6f0a5e-7f0c-5c8a-9d55-5f8e3f1f9d11", "status": "published"}
    }],
    "closed": [{
        "reference": "5a0d2d0c-58a1-5d6b-8f57-8a64a2f3c0aa",
        "operation": "close",
        "modified": "2026-11-22T09:20:00.000Z",
        "closed": "2026-11-22T09:20:00.000Z",
        "reason": "closed",
        "source_reason": "filled"
    }],
    "cursor": "MTphZ2VuY3k6MTc5NTMzNDQwMDAwMQ"
}))]
pub struct Page {
    /// What stands in the feed, new or changed, oldest change first.
    items: Vec<Item>,
    /// What has gone, oldest first.
    closed: Vec<Closed>,
    /// Where to go on, now or later.
    cursor: String,
    /// The address of the next page, if more stands there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/v1/agency/feed/vacancy?cursor=MTphZ2VuY3k6MTc5NTMzNDQwMDAwMQ&limit=100")]
    next: Option<String>,
}

/// Something that stands in the feed. Times are those of the feed, not of the document.
#[derive(Debug, Serialize, ToSchema)]
pub struct Item {
    /// Our outgoing reference.
    reference: String,
    /// `upsert`: put it in the place of what has that reference.
    operation: &'static str,
    /// When it came to stand there.
    created: String,
    /// When it last changed.
    modified: String,
    /// Of the document.
    #[schema(example = "application/xml")]
    media_type: String,
    /// About persons: which categories are withheld, each with its reason. The words are those of the header
    /// `Passerelle-Withheld`; they follow what is permitted, never what there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "picture;reason=category_excepted")]
    withheld: Option<String>,
    /// About persons: what the partner is obliged to, in the words of the header `Passerelle-Obligations`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "retention=\"P6M\", onward=deny, notify-on-change")]
    obligations: Option<String>,
    /// The document in the partner's dialect: JSON as it is, anything else as text.
    #[schema(value_type = Object)]
    document: Document,
}

/// A document within a page.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Document {
    Json(Box<RawValue>),
    Text(String),
}

/// Something that has gone from the feed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Closed {
    /// Our outgoing reference.
    reference: String,
    /// `close`: take it away.
    operation: &'static str,
    /// When it changed: when it went.
    modified: String,
    /// When it went.
    closed: String,
    /// Why, as a code: `closed`, `unpublished`, `validity_ended`, or why the partner may not have it any more, such as
    /// `consent_withdrawn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "closed")]
    reason: Option<String>,
    /// Why, in the source's own words or code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "filled")]
    source_reason: Option<String>,
}

/// Gives a page of the partner's feed.
///
/// Begin without a cursor, apply the page, keep its `cursor`, and come back with it: at once while there is a `next`,
/// later otherwise. What changes between two pages comes again on a later one. Reading from the beginning at any time
/// gives everything that stands there and everything that ever went. `If-None-Match` with the page's `ETag` is
/// answered `304` as long as nothing changed in the feed.
///
/// What is about persons is decided on at every pull: an item is shown only if it may be at that moment, under the mask
/// that it was written under. Else it is left out, and what may be shown then, or that it has gone, comes on a later page.
/// Such pages have no `ETag`. What is `closed` is to be deleted; that is acknowledged by the next pull with a later cursor.
#[utoipa::path(
    get, path = "/v1/{partner}/feed/{kind}", tag = "feed",
    params(("partner" = String, Path, example = "agency"), ("kind" = String, Path, example = "vacancy"), PageQuery),
    responses(
        (status = 200, description = "A page, maybe an empty one.", body = Page,
            headers(("ETag" = String, description = "Of this page."), ("Link" = String, description = "`rel=\"next\"`, if more stands there already."))),
        (status = 304, description = "Nothing has changed since the page of that `ETag`."),
        (status = 400, description = "The cursor is none of this feed.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid key.", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key of somebody else.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "The partner has no such feed.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("partner key" = []))
)]
pub async fn page(
    State(door): State<Door>,
    identity: Identity,
    Path((partner, kind)): Path<(String, String)>,
    Query(query): Query<PageQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let partner: PartnerId = partner.parse().map_err(|_| Problem::forbidden("this key belongs to another partner"))?;
    identity.require_puller(&partner)?;
    let rules = door.intake.in_force.now();
    let kind: Kind = kind.parse().map_err(|_| Problem::not_found("feed"))?;
    let outgoing = rules.configuration.partners.get(&partner).and_then(|partner| partner.outgoing.get(&kind));
    outgoing
        .filter(|outgoing| matches!(outgoing.connector, Connector::Feed {}))
        .ok_or_else(|| Problem::not_found("feed"))?;

    let pulls = door.pulls();
    let pull = pulls.of(&partner, kind);
    // Read before the page: if something changes in between, the page is newer than its tag and is fetched once more.
    let end = pull.end().await?;
    let feed = feed_name(&partner, kind);
    let from = query.cursor.as_deref().map_or(Some(0), |cursor| stamp_of(&feed, cursor));
    let from = from.filter(|from| *from <= end + 1).ok_or_else(wrong_cursor)?;
    let limit = query.limit.map_or(PAGE, NonZeroU16::get).min(LONGEST_PAGE);
    // Nobody can say of persons that nothing has changed before it is decided anew.
    let tag = (!kind.is_personal()).then(|| tag_of(&partner, from, end, limit));
    let is_known = |tag: &String| headers.get_all(header::IF_NONE_MATCH).iter().any(|tags| names(tags, tag));
    if let Some(tag) = tag.clone().filter(is_known) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let bound = FeedBound { items: usize::from(limit), size_bytes: PAGE_SIZE_BYTES };
    let stretch = pull.stretch(from, bound).await?;
    let cursor = cursor_of(&feed, stretch.next);
    let next = stretch.has_more.then(|| format!("/v1/{partner}/feed/{kind}?cursor={cursor}&limit={limit}"));
    let mut page = Page { items: Vec::new(), closed: Vec::new(), cursor, next };
    for item in stretch.items {
        page.put(item);
    }
    let link = page.next.as_ref().map(|next| format!("<{next}>; rel=\"next\""));
    let mut response = Json(page).into_response();
    let keeping = if kind.is_personal() { "no-store" } else { "private, no-cache" };
    let told = [(header::CACHE_CONTROL, Some(keeping.to_owned())), (header::ETAG, tag), (header::LINK, link)];
    for (name, value) in told {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

impl Page {
    fn put(&mut self, shown: pulls::Item) {
        let pulls::Item { item, notice } = shown;
        let at = |at_ms: i64| instant(at_ms.saturating_mul(1_000));
        if !item.is_active {
            self.closed.push(Closed {
                reference: item.reference,
                operation: "close",
                modified: at(item.modified_at),
                closed: at(item.closed_at.unwrap_or(item.modified_at)),
                reason: item.reason,
                source_reason: item.source_reason,
            });
            return;
        }
        let document = if is_json(&item.media_type) { RawValue::from_string(item.content.clone()).ok() } else { None };
        self.items.push(Item {
            reference: item.reference,
            operation: "upsert",
            created: at(item.created_at),
            modified: at(item.modified_at),
            media_type: item.media_type,
            withheld: notice.as_ref().map(|notice| notice.withheld.clone()),
            obligations: notice.map(|notice| notice.obligations),
            document: document.map_or(Document::Text(item.content), Document::Json),
        });
    }
}

fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json") || essence.to_ascii_lowercase().ends_with("+json")
}

/// What a feed is called in its cursors. No partner's name has a slash.
fn feed_name(partner: &PartnerId, kind: Kind) -> String {
    match kind {
        Kind::Vacancy => partner.to_string(),
        Kind::TalentProfile | Kind::PlacementStatus => format!("{partner}/{kind}"),
    }
}

/// The cursor of a stamp: opaque to the caller, good for one feed only.
fn cursor_of(feed: &str, stamp: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("1:{feed}:{stamp}"))
}

fn stamp_of(feed: &str, cursor: &str) -> Option<i64> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let stamp = text.strip_prefix("1:")?.strip_prefix(feed)?.strip_prefix(':')?.parse().ok()?;
    (stamp >= 0).then_some(stamp)
}

fn tag_of(partner: &PartnerId, from: i64, end: i64, limit: u16) -> String {
    let parts: [&[u8]; 4] =
        [partner.as_str().as_bytes(), &from.to_be_bytes(), &end.to_be_bytes(), &limit.to_be_bytes()];
    let tag: Hash = hash_of(&parts);
    format!("\"{tag}\"")
}

/// Whether `If-None-Match` names a tag.
fn names(tags: &HeaderValue, tag: &str) -> bool {
    let tags = tags.to_str().unwrap_or_default();
    tags.split(',').map(|one| one.trim().trim_start_matches("W/")).any(|one| one == tag || one == "*")
}

fn wrong_cursor() -> Problem {
    Problem::bad_request(const { code("wrong_cursor") }, "the cursor is none of this feed")
        .detail("use the `cursor` of the page before as it is; after a loss, begin without one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_one_feed() {
        let agency: PartnerId = "agency".parse().unwrap();
        let (own, persons) = (feed_name(&agency, Kind::Vacancy), feed_name(&agency, Kind::TalentProfile));
        let cursor = cursor_of(&own, 1_795_334_400_001);
        assert_eq!(stamp_of(&own, &cursor), Some(1_795_334_400_001));
        assert_eq!(stamp_of("agency-2", &cursor), None);
        assert_eq!(stamp_of(&persons, &cursor), None);
        assert_eq!(stamp_of(&own, &cursor_of(&persons, 7)), None);
        assert_eq!(stamp_of(&persons, &cursor_of(&persons, 7)), Some(7));
        for wrong in ["", "!", "MQ", &URL_SAFE_NO_PAD.encode("1:agency:-1"), &URL_SAFE_NO_PAD.encode("2:agency:1")] {
            assert_eq!(stamp_of(&own, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_tag_is_found_among_others() {
        for (tags, expected) in [("\"a\"", true), ("\"b\", W/\"a\"", true), ("*", true), ("\"b\"", false), ("", false)]
        {
            assert_eq!(names(&HeaderValue::from_str(tags).unwrap(), "\"a\""), expected, "{tags}");
        }
    }
}
