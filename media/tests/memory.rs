//! How much memory files take that were made to take much: the peak of everything allocated, measured.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

#[path = "attacks/files.rs"]
#[expect(dead_code, reason = "the table of attacks uses all of them")]
mod files;
#[path = "attacks/scene.rs"]
#[expect(dead_code, reason = "the table of attacks uses all of it")]
mod scene;
#[path = "attacks/server.rs"]
#[expect(dead_code, reason = "the table of attacks uses all of it")]
mod server;

use media::{FetchError, Medium, Wanted};
use peak_alloc::PeakAlloc;

use crate::{
    scene::{LIMITS, allowing, fetcher},
    server::{Says, Server},
};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// What a fetch may take at most beside the file, of which it may hold three copies while it grows.
const MOST_MIB: f32 = 4.0;

/// What lies between two programs: their sockets' buffers.
const UNDERWAY_BYTES: u64 = 16 << 20;

#[tokio::test]
async fn ten_gigabytes_cost_no_more_than_the_limit() {
    let piece = vec![0; 1 << 16];
    let rows = [
        (Medium::Document, files::PDF.to_vec(), LIMITS.content.document_bytes),
        (Medium::Video, files::mp4(), LIMITS.content.video_bytes),
        (Medium::Picture, files::png(10, 10), LIMITS.content.picture_bytes),
        (Medium::Document, files::docx([]), LIMITS.content.document_bytes),
        (Medium::Introduction, b"text ".repeat(1000), LIMITS.content.introduction_bytes),
    ];
    for (medium, begin, limit_bytes) in rows {
        let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
        let server = Server::says(Says::Endless([head, begin].concat(), piece.clone())).await;
        let allowed = allowing(&[&format!("http://{}", server.address)]);
        let (fetcher, link) = (fetcher(LIMITS), server.link());
        let before = ALLOCATED.current_usage_as_mb();
        ALLOCATED.reset_peak_usage();
        let result = async {
            let mut arrival = fetcher.open(Wanted { link: &link, medium, claim: None }, &allowed).await?;
            while arrival.next().await?.is_some() {}
            Ok(())
        };
        assert_eq!(result.await, Err(FetchError::TooLarge { limit_bytes }), "{medium:?}");
        let taken = ALLOCATED.peak_usage_as_mb() - before;
        println!("{medium:?}: {taken:.1} MiB, {} bytes sent", server.sent_bytes());
        assert!(taken < MOST_MIB, "{medium:?} took {taken} MiB");
        assert!(server.sent_bytes() < limit_bytes + UNDERWAY_BYTES, "{medium:?}: {} bytes", server.sent_bytes());
    }
}
