//! Vendor-signed events. The signature is checked over the raw bytes, before anything looks into them.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use connectors::webhook::{self, Concern, Received};
use metrics::counter;
use schemas::{Channel, Kind, Lane, PartnerId};
use tracing::warn;
use uuid::Uuid;

use super::{Door, body::Unchanged, problem::Problem};
use crate::{
    code::code,
    config::Partner,
    identities::{Told, merged, tellings, two},
    intake::{Document, Taken},
    store::{Evidence, Identified, IdentityEvent},
    vault::Subject,
};

/// When a vendor may send an event again whose candidate could not be read, seconds.
const RETRY_AFTER: u64 = 60;

/// Takes a vendor-signed event.
#[utoipa::path(
    post, path = "/v1/{partner}/webhook", tag = "documents",
    params(("partner" = String, Path, example = "acme"),
        ("Signature" = Option<String>, Header, description = "Greenhouse: `sha256` and the HMAC-SHA256 of the raw body. Lever, Recruitee, SmartRecruiters and Teamtailor have headers or members of their own.", example = "sha256 41a75cb4…")),
    request_body(content = String, content_type = "application/json", description = "The event as the vendor sends it.",
        example = r#"{"action":"job_post_created","payload":{"id":1815002,"title":"Lasser","live":true}}"#),
    responses(
        (status = 200, description = "Taken, or known already, or parked because it cannot be read, or of no concern."),
        (status = 401, description = "The signature is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such partner, or it has no webhook.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It is about a person, and this partner sends no profiles; or it is about offers or interviews.", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "The vendor sends more than a key may; it sends it again.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Log, store or the vendor's own API do not answer; the vendor sends it again.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn receive(
    State(door): State<Door>,
    Path(partner): Path<String>,
    headers: HeaderMap,
    body: Unchanged,
) -> Result<Response, Problem> {
    let body = &body.bytes;
    let rules = door.intake.in_force.now();
    let configuration = &rules.configuration;
    let partner = configuration.partner(&partner).ok_or_else(|| Problem::not_found("partner"))?.clone();
    let settings = partner.webhook.as_ref().ok_or_else(|| Problem::not_found("webhook"))?;
    if let Some(greeting) = webhook::greeting(settings.vendor, &headers, body) {
        return Ok((StatusCode::OK, greeting).into_response());
    }
    let secret = configuration.secrets.get(&settings.secret)?;
    let received = Received { headers: &headers, body, at: door.intake.clock.now() };
    let verified = webhook::verify(settings.vendor, secret.all(), received).map_err(|error| {
        counter!("passerelle_webhooks_refused_total", "partner" => partner.id.to_string()).increment(1);
        warn!(partner.name = %partner.id, error = %error, "a webhook with a wrong signature");
        Problem::new(StatusCode::UNAUTHORIZED, const { code("signature") }, "the signature is missing or wrong")
            .detail(error.to_string())
    })?;
    // Counted after the signature is checked, so that nobody else can use up what the vendor may send.
    door.limits.require(&format!("webhook of {}", partner.id))?;
    let sends_profiles = partner.incoming.contains_key(&Kind::TalentProfile);
    match webhook::concern(settings.vendor, &headers, body) {
        Concern::Vacancy => take(&door, &partner, Kind::Vacancy, None, &headers, body).await?,
        Concern::Candidate if sends_profiles => {
            if let Some(merged) = webhook::merged(settings.vendor, body) {
                // First: whatever ends with the one who is gone, that they are one stays.
                merge(&door, &partner.id, merged).await?;
            }
            take(&door, &partner, Kind::TalentProfile, verified.event_id.as_deref(), &headers, body).await?;
        }
        Concern::CandidateToRead { id, reference } if sends_profiles => {
            let _place = door.admission.place()?;
            if !door.candidates.read(&rules, &partner, (&id, reference)).await? {
                return Err(Problem::unavailable(
                    const { code("unreachable") },
                    "the vendor cannot be read",
                    RETRY_AFTER,
                )
                .detail("it was asked for the candidate and did not answer as it should; nothing was stored"));
            }
        }
        concern @ (Concern::Candidate | Concern::CandidateToRead { .. } | Concern::Person) => {
            counter!("passerelle_webhooks_turned_away_total", "partner" => partner.id.to_string()).increment(1);
            return Err(turned_away(&concern));
        }
        Concern::Ping | Concern::Other => {}
    }
    Ok(verified.vendor_success.into_response())
}

/// Links two persons whom their source has merged into one.
async fn merge(door: &Door, partner: &PartnerId, [gone, left]: [String; 2]) -> Result<(), Problem> {
    let (vault, identifier) = (door.intake.bodies.for_persons()?, door.identifier());
    // Who is left may come later.
    let (gone, left) = (vault.subject(partner, &gone).await?, vault.subject(partner, &left).await?);
    let Some((pair, sources)) = two((gone, partner), (left, partner)) else { return Ok(()) };
    let event = merged(pair, sources, partner, door.intake.clock.now());
    let told = match identifier.say(event.clone()).await? {
        Identified::New(_) => tellings(&event).to_vec(),
        Identified::SplitBefore(_) => vec![not_merged(gone, &event), not_merged(left, &event)],
        // The vendor did not hear the answer: what was kept may not have been told.
        Identified::Known(known) if known.evidence == Evidence::SourceMerge => tellings(&known).to_vec(),
        _ => Vec::new(),
    };
    Ok(identifier.tell(&told).await?)
}

/// Somebody has said that they are not the same: the source is not believed.
fn not_merged(subject: Subject, event: &IdentityEvent) -> Told {
    Told {
        subject: subject.as_uuid(),
        step: "identity_not_linked",
        code: Some(const { code("identity_split_before") }.as_str().to_owned()),
        detail: event.evidence.as_str().to_owned(),
        at: event.recorded_at,
    }
}

fn turned_away(concern: &Concern) -> Problem {
    let (title, remedy) = match concern {
        Concern::Candidate | Concern::CandidateToRead { .. } => (
            "this partner sends no talent profiles",
            "give its file `[incoming.talent_profile]`, or switch these events off at the vendor",
        ),
        _ => ("events about persons that hold no profile are not accepted", "switch these events off at the vendor"),
    };
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, const { code("kind_not_accepted") }, title)
        .detail(format!("nothing of it was stored; {remedy}"))
}

async fn take(
    door: &Door,
    partner: &Partner,
    kind: Kind,
    event_id: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), Problem> {
    let _place = door.admission.place()?;
    let Some(incoming) = partner.incoming.get(&kind) else {
        return Err(Problem::not_found("route"));
    };
    let document = Document {
        partner,
        kind,
        dialect: incoming.dialect.clone(),
        channel: Channel::Webhook,
        lane: Lane::Live,
        media_type: headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned),
        // The same delivery again changes nothing, even after a later one.
        idempotency_key: event_id,
        body,
    };
    let (code, faults) = match door.intake.take(document.clone()).await? {
        Taken::Accepted { .. } | Taken::Unchanged { .. } => return Ok(()),
        Taken::Unreadable(faults) => ("unreadable", faults),
        Taken::Echo(_) => ("echo", Vec::new()),
        Taken::KeyReused => ("idempotency_key_reused", Vec::new()),
        Taken::Carried { .. } => ("carried_elsewhere", Vec::new()),
    };
    // Nobody is there to correct it: it waits for a person, and the vendor is thanked.
    Ok(door.intake.park(Uuid::now_v7(), &document, code, &faults).await?)
}
