//! The HTTP server of the stubs, with or without TLS, whose connections can be made to misbehave.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{Router, extract::connect_info::Connected, serve::IncomingStream};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time,
};
use tokio_rustls::{Accept, TlsAcceptor, server::TlsStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// What no HTTP client understands.
const GARBAGE: &[u8] = b"\x16\x03\x01 this is no HTTP\r\n\r\n";
/// After a failed `accept`, such as for want of file descriptors.
const BREATH: Duration = Duration::from_millis(20);

/// Who a server says it is.
#[derive(Clone)]
pub struct TlsIdentity(Arc<ServerConfig>);

/// Why a server cannot be who it should be.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// The certificates or the key are no PEM.
    #[error("cannot read the certificates or the key")]
    Pem(#[source] rustls::pki_types::pem::Error),
    /// They do not fit each other, or cannot be used.
    #[error("cannot use the certificates with the key")]
    Unfit(#[source] rustls::Error),
}

impl TlsIdentity {
    /// Exactly the certificates that are sent, the server's own first, and its key.
    ///
    /// # Errors
    /// Any [`IdentityError`].
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
        let key = PrivateKeyDer::from_pem_slice(key).map_err(IdentityError::Pem)?;
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(IdentityError::Unfit)?;
        let config = builder.with_no_client_auth().with_single_cert(certificates.map_err(IdentityError::Pem)?, key);
        Ok(Self(Arc::new(config.map_err(IdentityError::Unfit)?)))
    }
}

/// Without the key.
impl fmt::Debug for TlsIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TlsIdentity")
    }
}

/// A running server; dropping it closes every connection.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    /// Cancelled when nobody listens any more.
    stopped: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(address: SocketAddr, tls: Option<TlsIdentity>, router: Router) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = (CancellationToken::new(), CancellationToken::new());
        let is_over = stopped.clone().drop_guard();
        let tls = tls.map(|identity| TlsAcceptor::from(identity.0));
        let door = Door { listener, tls, stop: stop.clone() };
        let service = router.into_make_service_with_connect_info::<Switch>();
        let serving = stop.clone().run_until_cancelled_owned(async move {
            // It ends only when it is cancelled: the door copes with every error of accepting.
            let _ = axum::serve(door, service).await;
        });
        #[expect(clippy::disallowed_methods, reason = "a stub owns its server; its handle stops the task on drop")]
        let task = tokio::spawn(async move {
            let _is_over = is_over;
            serving.await;
        });
        Ok(Self { address, stop, stopped, task })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes every connection and waits until nobody listens any more.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.stopped.cancelled().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
        self.task.abort();
    }
}

/// Decides from inside a handler how its connection ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Switch(Arc<AtomicU8>);

const HONEST: u8 = 0;
const RESET: u8 = 1;
const BABBLE: u8 = 2;

impl Switch {
    /// Whatever is answered next is not sent: the connection is reset.
    pub(crate) fn reset(&self) {
        self.0.store(RESET, Ordering::Release);
    }

    /// Whatever is answered next is replaced by something that is no HTTP.
    pub(crate) fn babble(&self) {
        self.0.store(BABBLE, Ordering::Release);
    }
}

impl Connected<IncomingStream<'_, Door>> for Switch {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().switch.clone()
    }
}

pub(crate) struct Door {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    stop: CancellationToken,
}

impl axum::serve::Listener for Door {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    let stopped = Box::pin(self.stop.clone().cancelled_owned());
                    let stream = match &self.tls {
                        None => Stream::Plain(stream),
                        Some(tls) => Stream::Greeting(Box::new(tls.accept(stream))),
                    };
                    return (Connection { stream, switch: Switch::default(), stopped }, peer);
                }
                Err(_) => time::sleep(BREATH).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that obeys its switch and ends with the server.
pub(crate) struct Connection {
    stream: Stream,
    switch: Switch,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
}

/// What a connection reads and writes; TLS greets with the first read or write, so that it keeps nobody else waiting.
enum Stream {
    Plain(TcpStream),
    Greeting(Box<Accept<TcpStream>>),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What can be read and written, with or without TLS.
trait Duplex: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

impl Stream {
    /// The stream, once it has been greeted.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&mut dyn Duplex>> {
        if let Self::Greeting(accept) = self {
            let stream = ready!(Pin::new(accept.as_mut()).poll(cx))?;
            *self = Self::Tls(Box::new(stream));
        }
        match self {
            Self::Plain(stream) => Poll::Ready(Ok(stream)),
            Self::Tls(stream) => Poll::Ready(Ok(stream.as_mut())),
            Self::Greeting(_) => Poll::Pending,
        }
    }

    /// Has the connection end with a reset.
    fn set_zero_linger(&self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.set_zero_linger(),
            Self::Tls(stream) => stream.get_ref().0.set_zero_linger(),
            Self::Greeting(_) => Ok(()),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.stopped.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(ready!(self.stream.poll_ready(cx))?).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.switch.0.load(Ordering::Acquire) {
            HONEST => Pin::new(ready!(self.stream.poll_ready(cx))?).poll_write(cx, bytes),
            BABBLE => {
                let stream = ready!(self.stream.poll_ready(cx))?;
                ready!(Pin::new(&mut *stream).poll_write(cx, GARBAGE))?;
                ready!(Pin::new(stream).poll_flush(cx))?;
                Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
            }
            _ => {
                self.stream.set_zero_linger()?;
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(ready!(self.stream.poll_ready(cx))?).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(ready!(self.stream.poll_ready(cx))?).poll_shutdown(cx)
    }
}
