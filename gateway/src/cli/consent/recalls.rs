//! `passerelle consent recalls`, `restrict` and `lift`: what was asked back, and persons who want to be left alone.

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::super::{
    Failure,
    client::{Connection, encoded},
    output::say,
};

/// List what recipients are asked to delete, and what they said
#[derive(Debug, Args)]
pub struct ListRecalls {
    /// Those of this person, acknowledged ones too: a pseudonym
    #[arg(long, value_name = "PSEUDONYM")]
    subject: Option<String>,
    /// Those to this recipient
    #[arg(long, value_name = "ID")]
    partner: Option<String>,
    /// Only those that a person has to look at
    #[arg(long)]
    escalated: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Leave a person's data alone, or no longer (GDPR article 18)
#[derive(Debug, Args)]
pub struct Restrict {
    /// The person: a pseudonym
    #[arg(value_name = "PSEUDONYM")]
    subject: String,
    /// How the person said so: `web`, `app`, `paper`, `in_person` or `phone`
    #[arg(long, default_value = "in_person")]
    method: consent::Method,
    #[command(flatten)]
    connection: Connection,
}

impl ListRecalls {
    pub async fn run(self) -> Result<(), Failure> {
        let mut query = vec![format!("escalated={}", self.escalated)];
        query.extend(self.subject.iter().map(|subject| format!("subject={}", encoded(subject))));
        query.extend(self.partner.iter().map(|partner| format!("partner={}", encoded(partner))));
        let found = self.connection.open()?.get(&format!("/v1/recalls?{}", query.join("&"))).await?;
        tell(&found["recalls"], self.connection.json);
        Ok(())
    }
}

impl Restrict {
    /// Sets the restriction with `PUT`, or lifts it with `DELETE`.
    pub async fn run(self, method: Method) -> Result<(), Failure> {
        let path = format!("/v1/subjects/{}/restriction?method={}", encoded(&self.subject), self.method);
        let answer = self.connection.open()?.ask(method, &path, None).await?;
        if self.connection.json {
            say(&answer.to_string());
        } else {
            let since = answer["restricted_since"].as_str();
            say(&since.map_or_else(|| "not restricted".to_owned(), |since| format!("restricted since {since}")));
        }
        Ok(())
    }
}

/// Recalls: as they are written, or a line each.
pub fn tell(recalls: &Value, as_json: bool) {
    for recall in recalls.as_array().into_iter().flatten() {
        if as_json {
            say(&recall.to_string());
            continue;
        }
        let text = |name: &str| recall[name].as_str().unwrap_or("-");
        let call = if recall["escalated_at"].is_null() { "" } else { "  a person is wanted" };
        say(&format!(
            "recall {} {:16} {:12} {:20} {} attempts, owed since {}{call}",
            text("subject"),
            text("partner"),
            text("state"),
            text("code"),
            recall["attempts"],
            text("owed_at"),
        ));
    }
}
