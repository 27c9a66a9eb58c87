//! The HTTP server of the stub, with connections that can be made to misbehave.

use std::{
    io,
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
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// What no HTTP client understands.
const GARBAGE: &[u8] = b"\x16\x03\x01 this is no HTTP\r\n\r\n";
/// After a failed `accept`, such as for want of file descriptors.
const BREATH: Duration = Duration::from_millis(20);

/// A running server; dropping it closes every connection.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    /// Cancelled when nobody listens any more.
    stopped: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(address: SocketAddr, router: Router) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = (CancellationToken::new(), CancellationToken::new());
        let is_over = stopped.clone().drop_guard();
        let door = Door { listener, stop: stop.clone() };
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

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes every connection and waits until nobody listens any more.
    pub(super) async fn stop(&self) {
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
pub(super) struct Switch(Arc<AtomicU8>);

const HONEST: u8 = 0;
const RESET: u8 = 1;
const BABBLE: u8 = 2;

impl Switch {
    /// Whatever is answered next is not sent: the connection is reset.
    pub(super) fn reset(&self) {
        self.0.store(RESET, Ordering::Release);
    }

    /// Whatever is answered next is replaced by something that is no HTTP.
    pub(super) fn babble(&self) {
        self.0.store(BABBLE, Ordering::Release);
    }
}

impl Connected<IncomingStream<'_, Door>> for Switch {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().switch.clone()
    }
}

#[derive(Debug)]
pub(super) struct Door {
    listener: TcpListener,
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
pub(super) struct Connection {
    stream: TcpStream,
    switch: Switch,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.stopped.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.switch.0.load(Ordering::Acquire) {
            HONEST => Pin::new(&mut self.stream).poll_write(cx, bytes),
            BABBLE => {
                ready!(Pin::new(&mut self.stream).poll_write(cx, GARBAGE))?;
                Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
            }
            _ => {
                self.stream.set_zero_linger()?;
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
