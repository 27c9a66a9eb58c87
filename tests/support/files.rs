//! A server of files of persons that does as it is told, and the files.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{Response, StatusCode, Uri, header},
};

/// What is done about a path.
#[derive(Clone)]
pub enum Says {
    /// Gives a file of that type.
    File(&'static str, Vec<u8>),
    /// Gives nothing but a status.
    Status(u16),
    /// Leads elsewhere.
    Redirect(String),
    /// Never answers.
    Nothing,
}

/// A server on this machine.
#[derive(Clone)]
pub struct FileServer {
    /// Its origin.
    pub origin: String,
    said: Arc<Mutex<Said>>,
}

#[derive(Default)]
struct Said {
    answers: HashMap<String, Says>,
    asked: HashMap<String, usize>,
}

impl FileServer {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let said = Arc::<Mutex<Said>>::default();
        let server = axum::serve(listener, Router::new().fallback(answer).with_state(said.clone()));
        tokio::spawn(async move { server.await.unwrap() });
        Self { origin, said }
    }

    /// Says what is done about a path from now on, and returns the link.
    pub fn says(&self, path: &str, says: Says) -> String {
        self.said.lock().unwrap().answers.insert(path.to_owned(), says);
        format!("{}{path}", self.origin)
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.said.lock().unwrap().asked.get(path).copied().unwrap_or_default()
    }
}

async fn answer(State(said): State<Arc<Mutex<Said>>>, uri: Uri) -> Response<Body> {
    let says = {
        let mut said = said.lock().unwrap();
        *said.asked.entry(uri.path().to_owned()).or_default() += 1;
        said.answers.get(uri.path()).cloned()
    };
    let of = |status: u16| Response::builder().status(StatusCode::from_u16(status).unwrap());
    match says {
        Some(Says::File(media_type, bytes)) => {
            of(200).header(header::CONTENT_TYPE, media_type).body(bytes.into()).unwrap()
        }
        Some(Says::Status(status)) => of(status).body(Body::empty()).unwrap(),
        Some(Says::Redirect(to)) => of(302).header(header::LOCATION, to).body(Body::empty()).unwrap(),
        Some(Says::Nothing) => std::future::pending().await,
        None => of(404).body(Body::empty()).unwrap(),
    }
}

/// A picture as it begins, with something of its own.
pub fn picture_file(mark: &str) -> Says {
    Says::File("image/png", picture_bytes(mark))
}

pub fn picture_bytes(mark: &str) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x04\0\0\0\x04\x08\x02\0\0\0\0\0\0\0".to_vec();
    file.extend_from_slice(mark.as_bytes());
    file
}

/// A document, with something of its own.
pub fn document_file(mark: &str) -> Says {
    Says::File("application/pdf", document_bytes(mark))
}

pub fn document_bytes(mark: &str) -> Vec<u8> {
    format!("%PDF-1.7\n%an invented document {mark}\n%%EOF\n").into_bytes()
}

/// A video in which no stretch is like another.
pub fn video_file(length: usize) -> Says {
    Says::File("video/mp4", video_bytes(length))
}

pub fn video_bytes(length: usize) -> Vec<u8> {
    let mut file = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".to_vec();
    file.extend((0_u64..).flat_map(u64::to_be_bytes).take(length.saturating_sub(file.len())));
    file
}
