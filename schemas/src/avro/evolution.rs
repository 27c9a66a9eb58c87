//! What makes two schemas versions of one subject: whatever one writes, the other reads, in both directions.

use std::fmt;

use apache_avro::{
    Schema,
    schema_compatibility::{Compatibility, SchemaCompatibility},
};

use super::{
    CONTENT, Codec, CodecError, ENVELOPE, PLACEMENT_STATUS, TALENT_PROFILE, VACANCY,
    codec::{fingerprint_of, without_schema},
    published_versions,
};

/// What a schema is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// [`crate::Envelope`].
    Envelope,
    /// [`crate::Content`].
    Content,
    /// A [`crate::Record`] of a vacancy.
    Vacancy,
    /// A [`crate::Record`] of a talent profile.
    TalentProfile,
    /// A [`crate::Record`] of a placement status.
    PlacementStatus,
}

/// A version that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Learned {
    /// What it is about.
    pub subject: Subject,
    /// Its CRC-64-AVRO fingerprint, as it stands in the bytes: versions of one fingerprint are read alike.
    pub fingerprint: [u8; 8],
}

impl Subject {
    /// Every subject.
    pub const ALL: [Self; 5] =
        [Self::Envelope, Self::Content, Self::Vacancy, Self::TalentProfile, Self::PlacementStatus];

    /// Its name: that of its file in `schemas/avro/`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Envelope => "envelope",
            Self::Content => "content",
            Self::Vacancy => "vacancy",
            Self::TalentProfile => "talent_profile",
            Self::PlacementStatus => "placement_status",
        }
    }

    /// The full name of its record.
    pub const fn record_name(self) -> &'static str {
        match self {
            Self::Envelope => "org.passerelle.envelope.Envelope",
            Self::Content => "org.passerelle.content.Content",
            Self::Vacancy => "org.passerelle.vacancy.Vacancy",
            Self::TalentProfile => "org.passerelle.talent_profile.TalentProfile",
            Self::PlacementStatus => "org.passerelle.placement_status.PlacementStatus",
        }
    }

    /// The text of the schema that is written now.
    pub fn newest(self) -> &'static str {
        published_versions(self.as_str()).last().copied().expect("every subject has a published version")
    }

    /// The fingerprint of the schema that is written now.
    pub fn newest_fingerprint(self) -> [u8; 8] {
        self.codec().newest_fingerprint()
    }

    fn codec(self) -> &'static Codec {
        match self {
            Self::Envelope => &ENVELOPE,
            Self::Content => &CONTENT,
            Self::Vacancy => &VACANCY,
            Self::TalentProfile => &TALENT_PROFILE,
            Self::PlacementStatus => &PLACEMENT_STATUS,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Reads what was written under one more version of our schemas from now on, for the life of the process.
///
/// # Errors
/// [`CodecError::Schema`] if the text is no schema, is none of ours, or could not read what we write.
pub fn learn(avsc: &str) -> Result<Learned, CodecError> {
    let schema = parse(avsc)?;
    let name = schema.name().map(|name| name.fullname(None)).unwrap_or_default();
    let subject = Subject::ALL.into_iter().find(|subject| subject.record_name() == name);
    let subject = subject.ok_or_else(|| CodecError::Schema(format!("nothing of ours is called `{name}`")))?;
    if fingerprint_of(&schema) != subject.newest_fingerprint() {
        check_full(avsc, subject.newest()).map_err(CodecError::Schema)?;
    }
    Ok(Learned { subject, fingerprint: subject.codec().learn(subject, schema)? })
}

/// Checks that everything written under one schema can be read under the other, in both directions: what a registry
/// calls `FULL`, and `FULL_TRANSITIVE` if it holds for every pair of versions.
///
/// # Errors
/// Which direction fails, and why.
pub fn check_full(one: &str, other: &str) -> Result<(), String> {
    let (one, other) = (parse_text(one)?, parse_text(other)?);
    for (direction, writer, reader) in [
        ("the first cannot be read under the second", &one, &other),
        ("the second cannot be read under the first", &other, &one),
    ] {
        match SchemaCompatibility::can_read(writer, reader) {
            Ok(Compatibility::Full) => {}
            Ok(Compatibility::Partial) => {
                return Err(format!("{direction}: some symbols or types have no place in it"));
            }
            Err(error) => return Err(format!("{direction}: {error}")),
        }
    }
    Ok(())
}

fn parse(avsc: &str) -> Result<Schema, CodecError> {
    parse_text(avsc).map_err(CodecError::Schema)
}

fn parse_text(avsc: &str) -> Result<Schema, String> {
    Schema::parse_str(avsc).map_err(|error| format!("no Avro schema: {}", without_schema(&error)))
}
