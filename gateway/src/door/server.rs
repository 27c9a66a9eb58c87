//! Connections: as many as may be open, closed when their head does not come or their answer does not go in time.

use std::{future::poll_fn, pin::Pin, sync::Arc, time::Duration};

use anyhow::Result;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::config::Settings;

/// The longest head of a request, and what is read ahead of a body.
const BUFFER_BYTES: usize = 64 * 1_024;
/// How long to wait after a connection could not be taken: the machine has run out of something.
const PAUSE: Duration = Duration::from_millis(100);

/// How long, and how much, is still read from whoever was answered before it had sent everything.
///
/// A connection that is closed with unread bytes is reset, and the answer may be lost on its way.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: u64 = 16 * 1_024 * 1_024;

type Stream = Pin<Box<TimeoutStream<TcpStream>>>;

/// Serves until it is asked to stop, and then ends what it has begun.
pub async fn serve(listener: TcpListener, router: Router, settings: &Settings, stop: CancellationToken) -> Result<()> {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(settings.header_timeout).max_buf_size(BUFFER_BYTES);
    let places = Arc::new(Semaphore::new(settings.max_connections.min(Semaphore::MAX_PERMITS)));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = places.clone().acquire_owned() => place?,
        };
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    warn!(error = %error, "a connection could not be taken");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
        };
        // An answer is written at once; waiting for more to send would only delay it.
        let _ = stream.set_nodelay(true);
        let mut stream: Stream = Box::pin(TimeoutStream::new(stream));
        stream.as_mut().set_write_timeout_pinned(Some(settings.write_timeout));
        let connection = Connection { http: http.clone(), router: router.clone(), stop: stop.clone(), _place: place };
        connections.spawn(connection.attend(stream));
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
    Ok(())
}

struct Connection {
    http: http1::Builder,
    router: Router,
    stop: CancellationToken,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    async fn attend(self, stream: Stream) {
        let mut connection = self.http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(self.router));
        let mut is_stopping = false;
        let ended = loop {
            tokio::select! {
                ended = poll_fn(|context| connection.poll_without_shutdown(context)) => break ended,
                () = self.stop.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
            }
        };
        if let Err(error) = ended {
            // Whoever hangs up or is too slow is no trouble of ours.
            debug!(error = %error, "a connection broke off");
        }
        linger(connection.into_parts().io.into_inner()).await;
    }
}

/// Says that nothing more will come, and passes over what was sent in the meantime.
async fn linger(mut stream: Stream) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut rest = stream.take(LINGER_BYTES);
    let passed_over = async { tokio::io::copy(&mut rest, &mut tokio::io::sink()).await };
    // Out of patience, the connection is closed all the same.
    let _ = tokio::time::timeout(LINGER, passed_over).await;
}
