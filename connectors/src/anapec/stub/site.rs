//! The site: what is shown, as a list in pages and as a page each.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Json, Router,
    extract::{Path, State},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::offer::Offer;

/// What is known of one offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its number.
    pub id: String,
    /// From 1, without a gap; also in the title, as [`crate::revision::mark`] writes it.
    pub revision: u64,
    /// The title with the mark.
    pub title: String,
}

/// Everything that is shown.
#[derive(Debug)]
pub(super) struct Site {
    page_length: usize,
    /// Newest first.
    offers: Vec<Offer>,
    oddities: Vec<Value>,
    made: u64,
    happened: usize,
}

impl Site {
    pub(super) fn new(page_length: usize) -> Self {
        Self { page_length: page_length.max(1), offers: Vec::new(), oddities: Vec::new(), made: 0, happened: 0 }
    }

    pub(super) fn publish(&mut self, at: Timestamp) -> String {
        self.made += 1;
        let offer = Offer::invent(self.made, at);
        let id = offer.id();
        self.offers.insert(0, offer);
        id
    }

    pub(super) fn change(&mut self, id: &str) -> bool {
        self.with(id, |offer| {
            offer.revision += 1;
            offer.listed_revision = offer.revision;
        })
    }

    pub(super) fn change_page(&mut self, id: &str) -> bool {
        self.with(id, |offer| offer.revision += 1)
    }

    pub(super) fn withdraw(&mut self, id: &str) -> bool {
        let before = self.offers.len();
        self.offers.retain(|offer| offer.id() != id);
        self.offers.len() < before
    }

    pub(super) fn list_oddity(&mut self, entry: Value) {
        self.oddities.push(entry);
    }

    fn with(&mut self, id: &str, act: impl FnOnce(&mut Offer)) -> bool {
        self.offers.iter_mut().find(|offer| offer.id() == id).map(act).is_some()
    }

    /// The next thing that happens by itself: until there are enough offers one is shown, then one is changed, and
    /// each fifth time one is taken off.
    pub(super) fn happen(&mut self, at: Timestamp, most: usize) {
        self.happened += 1;
        if self.offers.len() < most.max(1) {
            self.publish(at);
            return;
        }
        let index = self.happened.wrapping_mul(7) % self.offers.len();
        let id = self.offers[index].id();
        if self.happened.is_multiple_of(5) {
            self.withdraw(&id)
        } else {
            self.change(&id)
        };
    }

    pub(super) fn shown(&self) -> Vec<Shown> {
        let shown =
            |offer: &Offer| Shown { id: offer.id(), revision: offer.revision, title: offer.title(offer.revision) };
        self.offers.iter().map(shown).collect()
    }

    /// A page of the list, from 1.
    fn list(&self, page: usize) -> Value {
        let all: Vec<Value> = self.offers.iter().map(Offer::entry).chain(self.oddities.iter().cloned()).collect();
        let last = all.len().div_ceil(self.page_length).max(1);
        let entries: Vec<&Value> = all.iter().skip((page - 1) * self.page_length).take(self.page_length).collect();
        let next = if page < last { json!(page + 1) } else { json!(false) };
        json!({ "Offre": entries, "paginate": { "count": all.len(), "next": next, "last": last } })
    }

    /// The page of an offer, of the template that is asked for.
    fn page(&self, id: &str, is_international: bool) -> Option<String> {
        let offer = self.offers.iter().find(|offer| offer.id() == id)?;
        (offer.is_international() == is_international).then(|| offer.page())
    }
}

type Shared = Arc<Mutex<Site>>;

/// The handlers, below the root of the site.
pub(super) fn router(site: Shared) -> Router {
    Router::new()
        .route("/chercheurs/resultat_recherche_json/{page}/{all}/{language}", get(list))
        .route("/fr/entreprises/{action}/{id}/resultat_recherche", get(offer))
        .with_state(site)
}

async fn list(State(site): State<Shared>, Path((page, all, language)): Path<(String, String, String)>) -> Response {
    let number = page.strip_prefix("page:").and_then(|number| number.parse().ok()).filter(|&number| number >= 1);
    match number {
        Some(number) if all == "tout:all" && language == "language:fr" => {
            Json(site.lock().unwrap_or_else(PoisonError::into_inner).list(number)).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn offer(State(site): State<Shared>, Path((action, id)): Path<(String, String)>) -> Response {
    let is_international = match action.as_str() {
        "bloc_offre_home" => false,
        "bloc_offre_h_ang" => true,
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let page = site.lock().unwrap_or_else(PoisonError::into_inner).page(&id, is_international);
    page.map_or(StatusCode::NOT_FOUND.into_response(), |page| Html(page).into_response())
}
