//! Answers that never end, lie about their length, or take their time.

use std::time::Duration;

use media::{FetchError, Limits, Medium, TimeLimits};

use crate::{
    files,
    scene::{LIMITS, allowing, fetched, fetcher},
    server::{Says, Server, answer},
};

/// What may lie between two programs: their sockets' buffers.
const UNDERWAY_BYTES: u64 = 16 << 20;

async fn result_of(limits: Limits, medium: Medium, says: Says) -> Result<usize, FetchError> {
    let server = Server::says(says).await;
    let allowed = allowing(&[&format!("http://{}", server.address)]);
    fetched(&fetcher(limits), &server.link(), medium, &allowed).await.map(|(_, file)| file.len())
}

fn head(lines: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn what_is_no_file_is_told_from_what_may_become_one() {
    let status = |line: &str| Says::Bytes(format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n").into_bytes());
    let rows = [
        (status("404 Not Found"), FetchError::Status(404), false),
        (status("410 Gone"), FetchError::Status(410), false),
        (status("403 Forbidden"), FetchError::Status(403), false),
        (status("206 Partial Content"), FetchError::Status(206), false),
        (status("204 No Content"), FetchError::Status(204), false),
        (status("429 Too Many Requests"), FetchError::Status(429), true),
        (status("503 Service Unavailable"), FetchError::Status(503), true),
        (status("200 OK"), FetchError::Empty, false),
        (Says::Bytes(b"+PONG\r\n".to_vec()), FetchError::BrokenOff, true),
        (Says::Bytes(Vec::new()), FetchError::BrokenOff, true),
    ];
    for (says, expected, may_pass) in rows {
        assert_eq!(result_of(LIMITS, Medium::Document, says).await, Err(expected));
        assert_eq!(expected.may_pass(), may_pass, "{expected}");
    }
}

#[tokio::test]
async fn a_length_is_believed_only_when_it_is_too_much() {
    let pdf = |lines: &str, bytes: usize| [head(lines), files::PDF.to_vec(), vec![b' '; bytes]].concat();
    let limit_bytes = LIMITS.content.document_bytes;
    let rows = [
        (pdf("Content-Length: 10737418240", 0), Err(FetchError::TooLarge { limit_bytes })),
        (pdf("Content-Length: 1048577", 0), Err(FetchError::TooLarge { limit_bytes })),
        (pdf("Content-Length: 1048576", 100), Err(FetchError::BrokenOff)),
        (pdf("Content-Length: 20", 1 << 22), Ok(20)),
        (pdf("Content-Length: -1", 0), Err(FetchError::BrokenOff)),
        (pdf("Content-Length: 10\r\nContent-Length: 20", 0), Err(FetchError::BrokenOff)),
        (pdf("Content-Length: 99999999999999999999999", 0), Err(FetchError::BrokenOff)),
        (pdf("Connection: close", 1 << 20), Err(FetchError::TooLarge { limit_bytes })),
        (pdf("Connection: close", 100), Ok(files::PDF.len() + 100)),
        (pdf("Content-Encoding: gzip\r\nContent-Length: 46", 0), Err(FetchError::Encoded)),
        (pdf("Content-Encoding: identity\r\nConnection: close", 0), Ok(files::PDF.len())),
        (
            [head("Transfer-Encoding: chunked"), b"fffffffffffffffff\r\n%PDF-".to_vec()].concat(),
            Err(FetchError::BrokenOff),
        ),
        ([head("Transfer-Encoding: chunked"), b"5\r\n%PDF-\r\n".to_vec()].concat(), Err(FetchError::BrokenOff)),
    ];
    for (number, (bytes, expected)) in rows.into_iter().enumerate() {
        assert_eq!(result_of(LIMITS, Medium::Document, Says::Bytes(bytes)).await, expected, "row {number}");
    }
}

#[tokio::test]
async fn what_never_ends_is_ended() {
    let piece = vec![b' '; 1 << 16];
    let chunk = [b"10000\r\n".as_slice(), &piece, b"\r\n"].concat();
    let limit_bytes = LIMITS.content.document_bytes;
    let too_large = FetchError::TooLarge { limit_bytes };
    let rows = [
        (Says::Endless([head("Connection: close"), files::PDF.to_vec()].concat(), piece.clone()), too_large),
        (Says::Endless([head("Transfer-Encoding: chunked"), b"5\r\n%PDF-\r\n".to_vec()].concat(), chunk), too_large),
        (Says::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"X-Another: header\r\n".to_vec()), FetchError::BrokenOff),
        (Says::Endless(b"HTTP/1.1 200 OK\r\nX-Long: ".to_vec(), piece), FetchError::BrokenOff),
    ];
    for (says, expected) in rows {
        let server = Server::says(says).await;
        let allowed = allowing(&[&format!("http://{}", server.address)]);
        assert_eq!(fetched(&fetcher(LIMITS), &server.link(), Medium::Document, &allowed).await, Err(expected));
        assert!(server.sent_bytes() < limit_bytes + UNDERWAY_BYTES, "{expected}: {} bytes", server.sent_bytes());
    }
}

#[tokio::test]
async fn who_takes_too_long_is_left() {
    let quick = |silence, in_all| Limits {
        time: TimeLimits {
            connect: Duration::from_millis(200),
            silence: Duration::from_millis(silence),
            in_all: Duration::from_millis(in_all),
        },
        ..LIMITS
    };
    let (silent, slow) = (quick(200, 60_000), quick(20_000, 300));
    let pdf = || [head("Connection: close"), files::PDF.to_vec(), vec![b' '; 8000]].concat();
    let rows = [
        (silent, Says::Silence(Vec::new()), FetchError::Silent),
        (silent, Says::Silence(b"HTTP/1.1 200 OK\r\nConte".to_vec()), FetchError::Silent),
        (silent, Says::Silence(pdf()), FetchError::Silent),
        (slow, Says::Drips(pdf(), b' '), FetchError::TooSlow),
        (slow, Says::Drips(head("Connection: close"), b'%'), FetchError::TooSlow),
        (slow, Says::Drips(b"HTTP/1.1 200 OK\r\nX-Slow: ".to_vec(), b'a'), FetchError::TooSlow),
        (slow, Says::Endless(Vec::new(), b"HTTP/1.1 102 Processing\r\n\r\n".to_vec()), FetchError::TooSlow),
    ];
    for (number, (limits, says, expected)) in rows.into_iter().enumerate() {
        let result = result_of(limits, Medium::Document, says).await;
        assert_eq!(result, Err(expected), "row {number}");
        assert!(expected.may_pass());
    }
}

#[tokio::test]
async fn a_limit_belongs_to_the_medium() {
    let video = [files::mp4(), vec![0; 2 << 20]].concat();
    let length = video.len();
    let says = Says::Bytes(answer("video/mp4", &video));
    assert_eq!(result_of(LIMITS, Medium::Video, says).await, Ok(length));
    let picture = [files::png(10, 10), vec![0; 2 << 20]].concat();
    let says = Says::Bytes(answer("image/png", &picture));
    let limit_bytes = LIMITS.content.picture_bytes;
    assert_eq!(result_of(LIMITS, Medium::Picture, says).await, Err(FetchError::TooLarge { limit_bytes }));
}
