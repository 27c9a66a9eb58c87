//! Fetches the files that profiles link to (picture, introduction, curriculum vitae, video-CV), and looks at what they are.
//!
//! A link is whatever a partner's document says: it may point anywhere, at anything, of any size. [`Fetcher::open`] follows it
//! only where the public may go, takes no more than is set for the medium, and gives out nothing that is not of a type that the
//! medium may have. **Invariant:** no name is resolved twice for one connection; no error says a link, a host or what was found
//! there, since all of it may be personal; nothing is written anywhere.

mod address;
mod arrival;
mod body;
mod connection;
mod content;
mod error;
mod fetcher;
mod hop;
mod limits;
mod media_type;
mod names;
mod origin;

pub use address::Networks;
pub use arrival::Arrival;
pub use error::FetchError;
pub use fetcher::{Fetcher, Wanted};
pub use limits::{ContentLimits, Limits, TimeLimits};
pub use media_type::{MediaType, Medium};
pub use names::{Names, SystemNames};
pub use origin::{AllowedOrigins, Origin, OriginError};
