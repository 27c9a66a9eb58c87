//! Servers that answer whatever a test says, byte by byte.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
    time,
};
use tokio_rustls::TlsAcceptor;

/// What a server says once it was asked.
#[derive(Clone)]
pub enum Says {
    /// These bytes, then the connection ends.
    Bytes(Vec<u8>),
    /// These bytes, then the piece again and again.
    Endless(Vec<u8>, Vec<u8>),
    /// These bytes, then one of the second a moment, for ever.
    Drips(Vec<u8>, u8),
    /// Nothing more after these bytes, but the connection stays.
    Silence(Vec<u8>),
}

/// A server on a port of its own.
pub struct Server {
    pub address: SocketAddr,
    asked: Arc<AtomicU64>,
    sent_bytes: Arc<AtomicU64>,
    _tasks: JoinSet<()>,
}

impl Server {
    pub async fn says(says: Says) -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into(), says, None).await
    }

    pub async fn file(file: &[u8]) -> Self {
        Self::says(Says::Bytes(answer("application/octet-stream", file))).await
    }

    pub async fn at(address: SocketAddr, says: Says, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, sent_bytes) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let counters = (asked.clone(), sent_bytes.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (says, tls, (asked, sent)) = (says.clone(), tls.clone(), counters.clone());
                asked.fetch_add(1, Ordering::SeqCst);
                connections.spawn(async move {
                    match tls {
                        None => says.to(stream, &sent).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => says.to(stream, &sent).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { address, asked, sent_bytes, _tasks: tasks }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections were made.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    pub fn sent_bytes(&self) -> u64 {
        self.sent_bytes.load(Ordering::SeqCst)
    }

    /// Its address as a link.
    pub fn link(&self) -> String {
        format!("http://{}/file", self.address)
    }
}

impl Says {
    /// None if whoever asked has gone.
    async fn to(self, mut stream: impl AsyncRead + AsyncWrite + Unpin, sent: &AtomicU64) -> Option<()> {
        let mut request = Vec::new();
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            if stream.read_buf(&mut request).await.ok()? == 0 {
                return None;
            }
        }
        let (Self::Bytes(head) | Self::Endless(head, _) | Self::Drips(head, _) | Self::Silence(head)) = &self;
        stream.write_all(head).await.ok()?;
        match self {
            Self::Bytes(_) => stream.shutdown().await.ok()?,
            Self::Endless(_, piece) => loop {
                stream.write_all(&piece).await.ok()?;
                sent.fetch_add(piece.len() as u64, Ordering::SeqCst);
            },
            Self::Drips(_, byte) => {
                let mut moments = time::interval(Duration::from_millis(10));
                loop {
                    moments.tick().await;
                    stream.write_all(&[byte]).await.ok()?;
                }
            }
            Self::Silence(_) => while stream.read_buf(&mut request).await.ok()? > 0 {},
        }
        Some(())
    }
}

/// An answer with a file.
pub fn answer(content_type: &str, file: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n", file.len());
    [head.as_bytes(), file].concat()
}

/// An answer that leads elsewhere.
pub fn redirect(to: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").into_bytes()
}
