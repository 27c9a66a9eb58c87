//! What a file is for, and of which types it may be.

use std::fmt;

/// What a file of a profile is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Medium {
    /// The photograph.
    Picture,
    /// The person's own introduction, as a file.
    Introduction,
    /// A curriculum vitae, a diploma, a certificate.
    Document,
    /// The video-CV.
    Video,
}

/// A type that some medium may have. There are no others: types that carry programs, or that need them, are not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    Webp,
    /// PDF.
    Pdf,
    /// A text document of Office Open XML, without macros.
    Docx,
    /// A text document of `OpenDocument`.
    Odt,
    /// Plain text in UTF-8.
    Text,
    /// A video in MP4.
    Mp4,
    /// A video in WebM.
    Webm,
}

impl Medium {
    /// The types that it may have.
    pub fn types(self) -> &'static [MediaType] {
        use MediaType::{Docx, Jpeg, Mp4, Odt, Pdf, Png, Text, Webm, Webp};
        match self {
            Self::Picture => &[Jpeg, Png, Webp],
            Self::Introduction => &[Text, Pdf, Docx, Odt],
            Self::Document => &[Pdf, Docx, Odt, Jpeg, Png],
            Self::Video => &[Mp4, Webm],
        }
    }
}

impl MediaType {
    /// The registered name (RFC 6838).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Pdf => "application/pdf",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Odt => "application/vnd.oasis.opendocument.text",
            Self::Text => "text/plain",
            Self::Mp4 => "video/mp4",
            Self::Webm => "video/webm",
        }
    }

    /// Whether a claim, such as a `Content-Type`, may be made of a file of this type. Names that say nothing may.
    pub(crate) fn agrees_with(self, claim: &str) -> bool {
        let essence = claim.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let other_names: &[&str] = match self {
            Self::Jpeg => &["image/jpg", "image/pjpeg"],
            Self::Png => &["image/x-png"],
            Self::Pdf => &["application/x-pdf"],
            Self::Docx | Self::Odt => &["application/zip", "application/x-zip-compressed"],
            Self::Webp | Self::Text | Self::Mp4 | Self::Webm => &[],
        };
        let says_nothing = !essence.contains('/')
            || matches!(
                essence.as_str(),
                "application/octet-stream" | "binary/octet-stream" | "application/force-download"
            );
        says_nothing || essence == self.as_str() || other_names.contains(&essence.as_str())
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_compared_by_what_it_means() {
        assert!(MediaType::Jpeg.agrees_with("IMAGE/JPG; charset=binary"));
        assert!(MediaType::Pdf.agrees_with("application/octet-stream"));
        assert!(MediaType::Jpeg.agrees_with("photo"), "a partner's own word, no media type");
        assert!(!MediaType::Jpeg.agrees_with("image/png"));
        assert!(!MediaType::Pdf.agrees_with("text/html"));
    }
}
