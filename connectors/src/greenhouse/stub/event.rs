//! The bodies of the vendor's webhooks, member for member and in its order.
//!
//! Source: <https://developers.greenhouse.io/webhooks.html#job-events> and, for the escapes, `#authentication`.

use jiff::Timestamp;
use serde::Serialize;

use super::{ledger::Action, post::Post};

#[derive(Serialize)]
struct Webhook<T> {
    action: &'static str,
    payload: T,
}

/// The payload of `job_post_created` and `job_post_updated`.
#[derive(Serialize)]
struct JobPost {
    id: u64,
    title: String,
    location: &'static str,
    content: String,
    internal_content: Option<String>,
    updated_at: String,
    job_id: u64,
    external: bool,
    internal: bool,
    live: bool,
    questions: Vec<Question>,
}

/// The payload of `job_post_deleted`, which has another order.
#[derive(Serialize)]
struct DeletedPost {
    job_post: DeletedJobPost,
}

#[derive(Serialize)]
struct DeletedJobPost {
    id: u64,
    job_id: u64,
    title: String,
    location: &'static str,
    content: String,
    updated_at: String,
    internal_content: Option<String>,
    questions: Vec<Question>,
    external: bool,
    internal: bool,
    live: bool,
}

#[derive(Serialize)]
struct Question {
    required: bool,
    private: bool,
    label: &'static str,
    r#type: &'static str,
    values: Vec<&'static str>,
}

/// The payload of `job_updated`.
#[derive(Serialize)]
struct UpdatedJob {
    job: Job,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are the vendor's")]
struct Job {
    id: u64,
    name: String,
    requisition_id: Option<String>,
    notes: Option<String>,
    confidential: bool,
    job_post_id: u64,
    status: &'static str,
    created_by_id: u64,
    created_at: String,
    opened_at: String,
    closed_at: Option<String>,
    departments: Vec<Place>,
    offices: Vec<Office>,
    hiring_team: HiringTeam,
    openings: Vec<Opening>,
    custom_fields: CustomFields,
}

#[derive(Serialize)]
struct Place {
    id: u64,
    name: &'static str,
    external_id: Option<String>,
}

#[derive(Serialize)]
struct Office {
    id: u64,
    name: &'static str,
    location: &'static str,
    external_id: Option<String>,
}

/// Nobody: the stub knows no persons.
#[derive(Default, Serialize)]
struct HiringTeam {
    hiring_managers: [u64; 0],
    sourcers: [u64; 0],
    recruiters: [u64; 0],
    coordinators: [u64; 0],
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are the vendor's")]
struct Opening {
    id: u64,
    opening_id: Option<String>,
    custom_fields: [u64; 0],
}

#[derive(Serialize)]
struct CustomFields {
    employment_type: CustomField,
}

#[derive(Serialize)]
struct CustomField {
    name: &'static str,
    r#type: &'static str,
    value: Option<&'static str>,
}

/// The exact bytes of a webhook about a post.
pub(super) fn body(action: Action, post: &Post) -> Vec<u8> {
    let action_name = action.as_str();
    match action {
        Action::JobPostCreated | Action::JobPostUpdated => {
            bytes(&Webhook { action: action_name, payload: job_post(post) })
        }
        Action::JobPostDeleted => {
            bytes(&Webhook { action: action_name, payload: DeletedPost { job_post: deleted(post) } })
        }
        Action::JobUpdated => bytes(&Webhook { action: action_name, payload: UpdatedJob { job: job(post) } }),
    }
}

/// The exact bytes of the ping that is sent when a webhook is saved.
///
/// The vendor says that it holds "some configuration settings" and shows none: this shape is ours.
pub(super) fn ping() -> Vec<u8> {
    #[derive(Serialize)]
    struct Ping {
        web_hook: CustomField,
    }
    bytes(&Webhook {
        action: "ping",
        payload: Ping { web_hook: CustomField { name: "Passerelle", r#type: "ping", value: None } },
    })
}

/// Compact JSON with the escapes of the vendor's encoder.
fn bytes<T: Serialize>(webhook: &T) -> Vec<u8> {
    let text = serde_json::to_string(webhook).unwrap_or_default();
    let mut escaped = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        match c {
            // Outside of strings JSON has none of them.
            '<' => escaped.push_str(r"\u003c"),
            '>' => escaped.push_str(r"\u003e"),
            '&' => escaped.push_str(r"\u0026"),
            '\u{2028}' => escaped.push_str(r"\u2028"),
            '\u{2029}' => escaped.push_str(r"\u2029"),
            other => escaped.push(other),
        }
    }
    escaped.into_bytes()
}

fn job_post(post: &Post) -> JobPost {
    JobPost {
        id: post.id,
        title: post.title(),
        location: post.location(),
        content: post.content(),
        internal_content: None,
        updated_at: milliseconds(post.updated_at()),
        job_id: post.job_id(),
        external: true,
        internal: false,
        live: post.live,
        questions: questions(),
    }
}

fn deleted(post: &Post) -> DeletedJobPost {
    DeletedJobPost {
        id: post.id,
        job_id: post.job_id(),
        title: post.title(),
        location: post.location(),
        content: post.content(),
        updated_at: milliseconds(post.updated_at()),
        internal_content: None,
        questions: questions(),
        external: true,
        internal: false,
        live: post.live,
    }
}

fn job(post: &Post) -> Job {
    let opened_at = seconds(post.created_at());
    Job {
        id: post.job_id(),
        name: post.title(),
        requisition_id: None,
        notes: Some("<p>Intern &amp; extern</p>".to_owned()),
        confidential: false,
        job_post_id: post.id,
        status: if post.live { "open" } else { "closed" },
        created_by_id: 1,
        created_at: opened_at.clone(),
        opened_at,
        closed_at: (!post.live).then(|| seconds(post.updated_at())),
        departments: vec![Place { id: 7, name: post.department(), external_id: None }],
        offices: vec![Office { id: 13, name: post.office(), location: post.location(), external_id: None }],
        hiring_team: HiringTeam::default(),
        openings: vec![Opening { id: post.id * 10, opening_id: None, custom_fields: [] }],
        custom_fields: CustomFields {
            employment_type: CustomField { name: "Employment Type", r#type: "single_select", value: Some("Full-time") },
        },
    }
}

fn questions() -> Vec<Question> {
    vec![Question { required: false, private: false, label: "Website", r#type: "input_text", values: Vec::new() }]
}

/// As posts write it: `2017-10-12T15:06:32.691Z`.
fn milliseconds(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// As jobs write it: `2015-08-11T23:02:09Z`.
fn seconds(at: Timestamp) -> String {
    format!("{at:.0}")
}
