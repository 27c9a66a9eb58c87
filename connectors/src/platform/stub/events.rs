//! What a platform tells of the profiles that it shows: CloudEvents 1.0 in structured JSON.

use http::header;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{PlatformStub, PullError};
use crate::http_client;

/// The largest answer to an event.
const ANSWER_LIMIT: usize = 64 * 1024;

/// Something that an employer did with a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformEvent {
    /// What the platform calls the event; the same one is the same event, however often it is told.
    pub id: String,
    /// `viewed`, `interested` or `selected`.
    pub happened: &'static str,
    /// The profile, by its reference in the feed.
    pub profile: String,
    /// When it happened.
    pub at: Timestamp,
    /// The employer, by its name.
    pub employer: String,
    /// The stage in the platform's own words.
    pub stage: String,
}

/// What the gateway answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, if it is JSON.
    pub body: Value,
}

impl PlatformStub {
    /// Tells the gateway an event.
    ///
    /// # Errors
    /// [`PullError::Key`], [`PullError::Call`] or [`PullError::Answer`].
    pub async fn tell(&self, event: &PlatformEvent) -> Result<Answer, PullError> {
        let client = self.client.get().await.map_err(|detail| PullError::Call { detail })?;
        let mut url = self.settings.feed.join(&[]);
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop().pop().push("placement_status");
        }
        let document = json!({
            "specversion": "1.0",
            "id": event.id,
            "source": "/platform",
            "type": format!("org.passerelle.placement.{}", event.happened),
            "subject": event.profile,
            "time": event.at.to_string(),
            "datacontenttype": "application/json",
            "data": {"employer": {"name": event.employer}, "status": {"label": event.stage}},
        });
        let request = client.post(url).json(&document).header(header::CONTENT_TYPE, "application/cloudevents+json");
        let response = self.send(request).await?;
        let status = response.status().as_u16();
        let body = http_client::body_up_to(ANSWER_LIMIT, response).await.map_err(|_| PullError::Answer)?;
        Ok(Answer { status, body: serde_json::from_slice(&body).unwrap_or_default() })
    }
}
