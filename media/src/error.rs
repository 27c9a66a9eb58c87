//! Why a file was not fetched.

use thiserror::Error;

use crate::MediaType;

/// Why a file was not fetched: the rule, and what to do. Never the link, its host, or what was found there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FetchError {
    /// No address of the web.
    #[error("the link cannot be read as an address; the sender has to give an absolute `https` address")]
    Link,
    /// An origin that is not among those that links may lead to.
    #[error("the link, or where it is redirected to, is of an origin that this sender's files are not fetched from")]
    Origin,
    /// Another scheme than `https`.
    #[error("the link is not `https`; the sender has to offer the file by `https`, or its origin has to be allowed")]
    Scheme,
    /// A user or a password stands in it.
    #[error("the link holds a user or a password; the sender has to sign the link instead")]
    Credentials,
    /// Another port than 443.
    #[error("the link names another port than 443; the sender has to use that one, or its origin has to be allowed")]
    Port,
    /// It leads inside, or nowhere.
    #[error("the link does not lead to a public address; a file inside is fetched only if its origin is allowed")]
    Address,
    /// Nobody knows the name.
    #[error("the name in the link has no address at the moment; if it stays so, the sender has to mend it")]
    Unresolved,
    /// No connection, or no trusted certificate.
    #[error(
        "there is no connection to where the link leads, or its certificate is not trusted; the sender has to mend it"
    )]
    Connect,
    /// Redirected more often than is followed.
    #[error("the link is redirected too often; the sender has to give the address of the file itself")]
    Redirects,
    /// A redirect that leads nowhere.
    #[error("the link is redirected without saying where to; the sender has to mend it")]
    Redirect,
    /// The server says something else than `200`.
    #[error("the server answers {0} to the link; if it has run out, the sender has to send the profile again")]
    Status(u16),
    /// Compressed although nobody asked.
    #[error("the server compresses the file although it was asked not to; it has to heed `Accept-Encoding: identity`")]
    Encoded,
    /// More bytes than the medium may have.
    #[error(
        "the file has more than {limit_bytes} bytes, which is the limit for what it is; a smaller one has to be sent"
    )]
    TooLarge {
        /// The limit, in bytes.
        limit_bytes: u64,
    },
    /// Nothing at all.
    #[error("the file is empty; the sender has to send one that is not")]
    Empty,
    /// Nothing arrived for too long.
    #[error("the server was silent for too long; it is tried again")]
    Silent,
    /// It took too long in all.
    #[error("the file took too long to arrive; it is tried again")]
    TooSlow,
    /// Something else than HTTP, or less than was announced.
    #[error("the answer broke off or was no HTTP; it is tried again")]
    BrokenOff,
    /// A type that this medium may not have.
    #[error(
        "the bytes are of no type that is taken for this; the sender has to send one of the types that are documented"
    )]
    Type,
    /// The bytes are another type than somebody says.
    #[error("the bytes are `{found}`, but the document or the server says otherwise; one of them has to be mended")]
    Claim {
        /// What they are.
        found: MediaType,
    },
    /// More pixels than are taken.
    #[error("the image has more than {limit} pixels; a smaller one has to be sent")]
    Pixels {
        /// The most that are taken.
        limit: u64,
    },
    /// Damaged, or made to look like something.
    #[error("the file is damaged; the sender has to send one that opens")]
    Damaged,
    /// Text that is none.
    #[error("the text is not plain UTF-8; it has to be sent so, or as PDF")]
    Text,
    /// More files in it than are taken.
    #[error("the document holds more than {limit} files; it has to be sent as PDF")]
    Entries {
        /// The most that are taken.
        limit: usize,
    },
    /// Larger inside than is taken.
    #[error("the document would take more than {limit_bytes} bytes unpacked; it has to be sent as PDF")]
    Inflated {
        /// The most bytes that are taken.
        limit_bytes: u64,
    },
    /// Encrypted, or packed in a way that documents do not have.
    #[error("the document is encrypted or packed in an unusual way; it has to be saved again without that")]
    Packing,
    /// It carries a program.
    #[error("the document carries macros; it has to be saved without them")]
    Macros,
}

impl FetchError {
    /// Whether another try, later, may end otherwise.
    pub fn may_pass(self) -> bool {
        match self {
            Self::Unresolved | Self::Connect | Self::Silent | Self::TooSlow | Self::BrokenOff => true,
            Self::Status(status) => status >= 500 || matches!(status, 408 | 425 | 429),
            _ => false,
        }
    }
}
