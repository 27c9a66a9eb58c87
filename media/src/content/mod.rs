//! Looks at what arrives: what it is, by its bytes, and whether it is as harmless as it says.

mod archive;
mod image;

use tokio::task;

use crate::{Arrival, ContentLimits, FetchError, MediaType, Medium, Wanted, body::Body};

/// Enough of a file to tell what it is.
const HEAD_BYTES: usize = 4096;

/// Takes a file in as far as is needed to know that it may be taken.
pub(crate) async fn take(mut body: Body, wanted: Wanted<'_>, limits: ContentLimits) -> Result<Arrival, FetchError> {
    let head = body.at_least(HEAD_BYTES).await?;
    if head.is_empty() {
        return Err(FetchError::Empty);
    }
    let likely = Likely::of(&head, wanted.medium)?;
    if let Likely::Streamed(found) = likely {
        check(found, wanted, &body)?;
        return Ok(Arrival::with_head(found, head, body));
    }
    let file = body.whole(head).await?;
    let looked_at = task::spawn_blocking(move || Ok((likely.look(&file, limits)?, file)));
    let (found, file) = looked_at.await.unwrap_or(Err(FetchError::Damaged))?;
    check(found, wanted, &body)?;
    Ok(Arrival::whole(found, file))
}

/// Whether a type may be taken for this, and nobody says otherwise.
fn check(found: MediaType, wanted: Wanted<'_>, body: &Body) -> Result<(), FetchError> {
    if !wanted.medium.types().contains(&found) {
        return Err(FetchError::Type);
    }
    if [wanted.claim, body.claim()].into_iter().flatten().all(|claim| found.agrees_with(claim)) {
        Ok(())
    } else {
        Err(FetchError::Claim { found })
    }
}

/// What the head of a file makes likely.
enum Likely {
    /// It is that; there is nothing more to look at.
    Streamed(MediaType),
    Image(MediaType),
    Archive,
    Text,
}

impl Likely {
    fn of(head: &[u8], medium: Medium) -> Result<Self, FetchError> {
        if head.starts_with(archive::SIGNATURE) {
            return Ok(Self::Archive);
        }
        let Some(found) = infer::get(head) else {
            // Text has no signature, so it is taken for nothing but what may be text.
            return if medium.types().contains(&MediaType::Text) { Ok(Self::Text) } else { Err(FetchError::Type) };
        };
        match found.mime_type() {
            "image/jpeg" => Ok(Self::Image(MediaType::Jpeg)),
            "image/png" => Ok(Self::Image(MediaType::Png)),
            "image/webp" => Ok(Self::Image(MediaType::Webp)),
            "application/pdf" => Ok(Self::Streamed(MediaType::Pdf)),
            "video/mp4" => Ok(Self::Streamed(MediaType::Mp4)),
            "video/webm" => Ok(Self::Streamed(MediaType::Webm)),
            _ => Err(FetchError::Type),
        }
    }

    /// Looks at the whole file.
    fn look(&self, file: &[u8], limits: ContentLimits) -> Result<MediaType, FetchError> {
        match self {
            Self::Streamed(found) => Ok(*found),
            Self::Image(found) => image::check(file, limits.pixels).map(|()| *found),
            Self::Archive => archive::look(file, limits),
            Self::Text => check_text(file),
        }
    }
}

/// Whether it is text: UTF-8 without control characters other than tab and line ends.
fn check_text(file: &[u8]) -> Result<MediaType, FetchError> {
    let text = str::from_utf8(file).map_err(|_| FetchError::Text)?;
    let is_plain = |letter: char| !letter.is_control() || matches!(letter, '\t' | '\n' | '\r');
    if text.chars().all(is_plain) { Ok(MediaType::Text) } else { Err(FetchError::Text) }
}
