//! A fetcher with small limits, and names that say what a test wants.

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use media::{
    AllowedOrigins, ContentLimits, FetchError, Fetcher, Limits, MediaType, Medium, Names, Networks, TimeLimits, Wanted,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};

pub const LIMITS: Limits = Limits {
    content: ContentLimits {
        picture_bytes: 1 << 20,
        introduction_bytes: 1 << 20,
        document_bytes: 1 << 20,
        video_bytes: 4 << 20,
        pixels: 1_000_000,
        entries: 50,
        inflated_bytes: 4 << 20,
    },
    time: TimeLimits {
        connect: Duration::from_secs(5),
        silence: Duration::from_secs(20),
        in_all: Duration::from_mins(1),
    },
    redirects: 3,
};

/// Names that know answers, and give out each only once; the last one again and again.
#[derive(Default)]
pub struct Scripted {
    answers: Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>,
    asked: Mutex<Vec<String>>,
}

impl Scripted {
    pub fn knowing(host: &str, answers: &[&[&str]]) -> Arc<Self> {
        let parsed = answers.iter().map(|answer| answer.iter().map(|ip| ip.parse().unwrap()).collect()).collect();
        Arc::new(Self { answers: Mutex::new(HashMap::from([(host.to_owned(), parsed)])), asked: Mutex::default() })
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Names for Scripted {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(host.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let known = answers.get_mut(host).ok_or_else(|| io::Error::other("no such name"))?;
        Ok(if known.len() > 1 { known.pop_front().unwrap() } else { known[0].clone() })
    }
}

pub fn trusting(roots: &[CertificateDer<'static>]) -> ClientConfig {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root.clone()).unwrap();
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(store).with_no_client_auth()
}

/// A fetcher that asks nobody for names: there are none.
pub fn fetcher(limits: Limits) -> Fetcher {
    Fetcher::new(limits, Networks::default(), trusting(&[])).with_names(Arc::new(Scripted::default()))
}

pub fn allowing(origins: &[&str]) -> AllowedOrigins {
    origins.iter().map(|origin| origin.parse().unwrap()).collect()
}

/// Everything of a file.
pub async fn fetched(
    fetcher: &Fetcher,
    link: &str,
    medium: Medium,
    allowed: &AllowedOrigins,
) -> Result<(MediaType, Vec<u8>), FetchError> {
    let mut arrival = fetcher.open(Wanted { link, medium, claim: None }, allowed).await?;
    let mut file = Vec::new();
    while let Some(bytes) = arrival.next().await? {
        file.extend_from_slice(&bytes);
    }
    Ok((arrival.media_type(), file))
}
