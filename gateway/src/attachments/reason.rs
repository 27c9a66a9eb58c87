//! Why a file was not fetched, as a code.

use media::FetchError;

use crate::code::{Code, code};

/// The code of an error: the rule that was broken, without what it was broken by.
pub fn reason(error: FetchError) -> Code {
    match error {
        FetchError::Link | FetchError::Credentials | FetchError::Scheme | FetchError::Port => {
            const { code("media_link") }
        }
        FetchError::Origin => const { code("media_origin") },
        FetchError::Address => const { code("media_address") },
        FetchError::Unresolved
        | FetchError::Connect
        | FetchError::Silent
        | FetchError::TooSlow
        | FetchError::BrokenOff => const { code("media_unreachable") },
        FetchError::Redirects | FetchError::Redirect => const { code("media_redirected") },
        FetchError::Status(_) => const { code("media_status") },
        FetchError::Encoded => const { code("media_encoded") },
        FetchError::TooLarge { .. }
        | FetchError::Pixels { .. }
        | FetchError::Entries { .. }
        | FetchError::Inflated { .. } => const { code("media_too_large") },
        FetchError::Type | FetchError::Claim { .. } | FetchError::Text => const { code("media_wrong_type") },
        FetchError::Empty | FetchError::Damaged | FetchError::Packing | FetchError::Macros => {
            const { code("media_damaged") }
        }
    }
}
