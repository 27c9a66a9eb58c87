//! What means harm, against real servers: every row is a way in that has to stay shut.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod addresses;
mod bodies;
mod contents;
mod files;
mod redirects;
mod scene;
mod server;
mod tls;
