//! Content codings of request bodies: gzip (RFC 1952) and zstd (RFC 8878), inflated no further than a limit.

use std::{io, pin::Pin};

use async_compression::{
    tokio::bufread::{GzipDecoder, ZstdDecoder},
    zstd::DParameter,
};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt};

use super::{admission::Room, problem::Problem};
use crate::code::code;

/// The largest window that zstd may ask for: 2^23 bytes (RFC 9659 §3).
const ZSTD_WINDOW_LOG: u32 = 23;
/// What is inflated at once before others get their turn.
const STEP_BYTES: usize = 32 * 1_024;

/// How a body is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// RFC 1952; several members are one body.
    Gzip,
    /// RFC 8878; several frames are one body.
    Zstd,
}

impl Encoding {
    /// What the headers say.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut codings = Vec::new();
        for value in headers.get_all(header::CONTENT_ENCODING) {
            let text = value.to_str().map_err(|_| unknown())?.to_ascii_lowercase();
            codings.extend(text.split(',').map(str::trim).filter(|coding| !coding.is_empty()).map(str::to_owned));
        }
        codings.retain(|coding| coding != "identity");
        match codings.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => Ok(Self::Identity),
            ["gzip" | "x-gzip"] => Ok(Self::Gzip),
            ["zstd"] => Ok(Self::Zstd),
            _ => Err(unknown()),
        }
    }

    /// What the bytes behind a reader say.
    pub fn inflated<'a>(self, reader: impl AsyncBufRead + Send + 'a) -> Pin<Box<dyn AsyncRead + Send + 'a>> {
        match self {
            Self::Identity => Box::pin(reader),
            Self::Gzip => {
                let mut decoder = GzipDecoder::new(reader);
                decoder.multiple_members(true);
                Box::pin(decoder)
            }
            Self::Zstd => {
                let window = DParameter::window_log_max(ZSTD_WINDOW_LOG);
                let mut decoder = ZstdDecoder::with_params(reader, &[window]);
                decoder.multiple_members(true);
                Box::pin(decoder)
            }
        }
    }

    /// Inflates a whole body, at most to so many bytes.
    pub async fn inflate(self, body: &[u8], limit: usize, room: &mut Room) -> Result<Bytes, Problem> {
        let mut reader = self.inflated(body);
        let mut inflated = Vec::new();
        let mut step = vec![0; STEP_BYTES];
        loop {
            let read = reader.read(&mut step).await.map_err(|error| self.broken(&error, inflated.len()))?;
            if read == 0 {
                return Ok(inflated.into());
            }
            if inflated.len() + read > limit {
                return Err(too_large(limit));
            }
            room.grow(read)?;
            inflated.extend_from_slice(&step[..read]);
            // Inflating never waits for anything; it makes way for others between two steps.
            tokio::task::yield_now().await;
        }
    }

    /// Refuses a compressed body where the bytes themselves are signed.
    pub fn not_here() -> Problem {
        unknown().detail("what is signed has to come as it was signed: send it without `Content-Encoding`")
    }

    /// What to tell whoever sent a stream that cannot be inflated.
    pub fn broken(self, error: &io::Error, inflated: usize) -> Problem {
        let name = match self {
            Self::Identity => "body",
            Self::Gzip => "gzip stream",
            Self::Zstd => "zstd stream",
        };
        if error.kind() == io::ErrorKind::UnexpectedEof {
            let code = const { code("encoding_truncated") };
            return Problem::bad_request(code, "the compressed body breaks off")
                .detail("nothing was accepted; send the whole stream, its trailer included")
                .fault(code, format!("the {name} ends too early, {inflated} bytes into what it holds"));
        }
        let code = const { code("encoding_broken") };
        Problem::bad_request(code, "the compressed body is damaged")
            .detail("nothing was accepted; compress it again, or send it without `Content-Encoding`")
            .fault(code, format!("the {name} cannot be inflated after {inflated} bytes of what it holds"))
    }
}

fn too_large(limit: usize) -> Problem {
    let code = const { code("inflates_too_much") };
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, code, "the compressed body holds too much")
        .detail(format!("it may hold at most {limit} bytes; `door.max_inflated_bytes` sets the limit"))
        .fault(code, format!("it holds more than {limit} bytes; nothing of it was read"))
}

/// What to tell whoever sent a stream that holds far more than it weighs.
pub fn too_dense(ratio: u64) -> Problem {
    let code = const { code("inflates_too_much") };
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, code, "the compressed body holds too much")
        .fault(code, format!("it holds more than {ratio} times its length; documents do not compress like that"))
}

fn unknown() -> Problem {
    let title = "this content coding is not understood";
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, const { code("encoding_unknown") }, title)
        .detail("send the body with `Content-Encoding: gzip` or `zstd`, one of them and once, or as it is")
        .accept_encoding()
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::door::admission::Admission;

    async fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = async_compression::tokio::write::GzipEncoder::new(Vec::new());
        encoder.write_all(text).await.unwrap();
        encoder.shutdown().await.unwrap();
        encoder.into_inner()
    }

    async fn zstd(text: &[u8]) -> Vec<u8> {
        let mut encoder = async_compression::tokio::write::ZstdEncoder::new(Vec::new());
        encoder.write_all(text).await.unwrap();
        encoder.shutdown().await.unwrap();
        encoder.into_inner()
    }

    async fn inflate(encoding: Encoding, bytes: &[u8], limit: usize) -> Result<Bytes, serde_json::Value> {
        let mut room = Admission::new(1 << 20, 1, 1).room();
        let problem = |problem: Problem| serde_json::to_value(problem).unwrap();
        encoding.inflate(bytes, limit, &mut room).await.map_err(problem)
    }

    #[tokio::test]
    async fn both_codings_are_inflated_several_members_too() {
        for (encoding, one, two) in [
            (Encoding::Gzip, gzip(b"one").await, gzip(b"two").await),
            (Encoding::Zstd, zstd(b"one").await, zstd(b"two").await),
        ] {
            let both = [one, two].concat();
            assert_eq!(inflate(encoding, &both, 6).await.unwrap().as_ref(), b"onetwo");
            assert_eq!(inflate(encoding, &both, 5).await.unwrap_err()["code"], "inflates_too_much");
        }
    }

    #[tokio::test]
    async fn what_is_cut_or_damaged_is_told_apart() {
        let text: Vec<u8> = (0..50_000_u32).flat_map(u32::to_le_bytes).collect();
        for (encoding, whole) in [(Encoding::Gzip, gzip(&text).await), (Encoding::Zstd, zstd(&text).await)] {
            for length in [1, 5, whole.len() / 2, whole.len() - 1] {
                let problem = inflate(encoding, &whole[..length], 1 << 20).await.unwrap_err();
                assert_eq!(problem["code"], "encoding_truncated", "{encoding:?} cut at {length}");
            }
            let mut damaged = whole.clone();
            damaged[0] ^= 0xFF;
            assert_eq!(inflate(encoding, &damaged, 1 << 20).await.unwrap_err()["code"], "encoding_broken");
            let trailed = [whole.clone(), b"rest".to_vec()].concat();
            assert!(inflate(encoding, &trailed, 1 << 20).await.is_err(), "{encoding:?}: nothing is passed over");
        }
    }

    #[test]
    fn only_one_known_coding_is_understood() {
        for (text, expected) in [
            ("gzip", Some(Encoding::Gzip)),
            ("GZIP", Some(Encoding::Gzip)),
            ("zstd", Some(Encoding::Zstd)),
            ("identity", Some(Encoding::Identity)),
            ("identity, gzip", Some(Encoding::Gzip)),
            ("br", None),
            ("gzip, gzip", None),
            ("gzip, zstd", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_ENCODING, text.parse().unwrap());
            assert_eq!(Encoding::of(&headers).ok(), expected, "{text}");
        }
        assert_eq!(Encoding::of(&HeaderMap::new()).ok(), Some(Encoding::Identity));
    }
}
