//! Who is calling: a partner, who sees its own messages only, or an operator, who sees all metadata.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::Rng;
use schemas::{Hash, PartnerId};
use subtle::ConstantTimeEq;

use super::{Door, problem::Problem};

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// May do and see everything but what is sealed.
    Operator,
    /// May push its own documents and see its own messages.
    Partner(PartnerId),
}

/// An operator; anybody else is turned away.
pub struct Operator;

/// Who is calling, and with which key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub identity: Identity,
    /// The name of the key; no secret.
    pub key: String,
}

/// Finds out who is calling; nobody if there is no key, or none of ours.
pub async fn authenticate(door: &Door, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
    let Some(token) = bearer_token(headers) else { return Ok(None) };
    let hash = Hash::of(token.as_bytes());
    if bool::from(hash.as_bytes().ct_eq(door.operator_token.as_bytes())) {
        return Ok(Some(Caller { identity: Identity::Operator, key: "operator.token".to_owned() }));
    }
    let Some(key) = door.intake.store.key_by_secret(hash).await? else { return Ok(None) };
    Ok(Some(Caller { identity: key.partner.map_or(Identity::Operator, Identity::Partner), key: key.key_id }))
}

impl Identity {
    /// Turns away whoever may not act for that partner.
    pub fn require_partner(&self, partner: &PartnerId) -> Result<(), Problem> {
        match self {
            Self::Partner(own) if own == partner => Ok(()),
            Self::Partner(_) => Err(Problem::forbidden("this key belongs to another partner")),
            Self::Operator => {
                Err(Problem::forbidden("an operator's key does not push for partners; use the partner's own"))
            }
        }
    }

    /// Turns away whoever is not that partner: its feed holds documents, which operators do not read.
    pub fn require_puller(&self, partner: &PartnerId) -> Result<(), Problem> {
        match self {
            Self::Partner(own) if own == partner => Ok(()),
            Self::Partner(_) => Err(Problem::forbidden("this key belongs to another partner")),
            Self::Operator => Err(Problem::forbidden("a feed is read with the partner's own key")),
        }
    }

    /// Whether messages of that partner may be seen.
    pub fn may_see(&self, partner: &PartnerId) -> bool {
        match self {
            Self::Operator => true,
            Self::Partner(own) => own == partner,
        }
    }
}

impl FromRequestParts<Door> for Caller {
    type Rejection = Problem;

    /// Takes over what [`super::limits::enforce`] found out.
    async fn from_request_parts(parts: &mut Parts, _: &Door) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::unauthorized)
    }
}

impl FromRequestParts<Door> for Identity {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        Ok(Caller::from_request_parts(parts, door).await?.identity)
    }
}

impl FromRequestParts<Door> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        match Identity::from_request_parts(parts, door).await? {
            Identity::Operator => Ok(Self),
            Identity::Partner(_) => Err(Problem::forbidden("only an operator may do this")),
        }
    }
}

/// The bearer token of a request.
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Makes a secret that nobody can guess: 256 bits, safe in headers.
pub fn new_secret() -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    format!("psk_{}", URL_SAFE_NO_PAD.encode(bytes))
}
