//! Works through a batch: many documents at once on their way to the log, those of one vacancy in order.
//!
//! **Invariant:** no more of the batch is held than the documents under way and the one that is being read. Nothing
//! more is read from the caller while there is no room.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use mappings::Fault;
use schemas::{Channel, DialectName, Kind, Lane};
use tokio::task::{JoinError, JoinSet};
use tracing::Instrument;

use super::{
    line::{Line, Place},
    source::Source,
};
use crate::{
    code::code,
    config::Partner,
    door::{
        Door,
        admission::BatchPlace,
        framing::{Broken, Framer, Piece, Step},
        problem::Problem,
        push,
    },
    intake::{Document, Opened},
};

/// Documents of one batch that are on their way to the log at once.
const UNDER_WAY: usize = 64;

/// What holds for every document of a batch.
pub struct Terms {
    pub partner: Arc<Partner>,
    pub kind: Kind,
    pub dialect: DialectName,
    pub media_type: Option<String>,
    pub idempotency_key: Option<String>,
    /// The name of the caller's key.
    pub key: String,
}

/// Works through one batch.
pub struct Worker {
    door: Door,
    terms: Arc<Terms>,
    framer: Framer,
    source: Source,
    /// Each goes on by itself: however slowly the caller reads the lines, none of them holds its place at the door for that long.
    under_way: JoinSet<Done>,
    /// Bytes of the documents under way.
    bytes_under_way: usize,
    /// With so many bytes under way no other document is begun.
    most_under_way: usize,
    /// References of the documents under way.
    references: HashSet<String>,
    /// Records of the document in hand that were not looked at yet.
    parts: VecDeque<Part>,
    /// What was read and has to wait for an earlier version of its vacancy.
    held: Option<(Part, Opened)>,
    index: u64,
    is_over: bool,
    /// Why the body was not read to its end.
    last_line: Option<Line>,
    _place: BatchPlace,
}

struct Part {
    place: Place,
    bytes: Vec<u8>,
}

struct Done {
    line: Line,
    reference: String,
    length: usize,
}

/// What is to be done next.
enum Next {
    Line(Line),
    Ended(Done),
    Go,
    Over,
}

impl Worker {
    /// A worker for a batch.
    pub fn new(door: Door, terms: Arc<Terms>, framer: Framer, source: Source, place: BatchPlace) -> Self {
        let most_under_way = door.intake.in_force.now().configuration.settings.max_inflated_bytes;
        Self {
            most_under_way,
            door,
            terms,
            framer,
            source,
            under_way: JoinSet::new(),
            bytes_under_way: 0,
            references: HashSet::new(),
            parts: VecDeque::new(),
            held: None,
            index: 0,
            is_over: false,
            last_line: None,
            _place: place,
        }
    }

    /// The next result; none when the batch is done.
    pub async fn next_line(&mut self) -> Option<Line> {
        loop {
            match self.next().await {
                Next::Line(line) => return Some(line),
                Next::Ended(done) => {
                    self.references.remove(&done.reference);
                    self.bytes_under_way -= done.length;
                    return Some(done.line);
                }
                Next::Go => {}
                Next::Over => return None,
            }
        }
    }

    async fn next(&mut self) -> Next {
        if let Some((part, opened)) = self.held.take_if(|(_, opened)| !self.references.contains(&opened.reference)) {
            self.start(part, opened);
            return Next::Go;
        }
        let has_room = self.under_way.len() < UNDER_WAY && self.bytes_under_way < self.most_under_way;
        if self.held.is_none() && has_room {
            if let Some(part) = self.parts.pop_front() {
                return self.open(part).await;
            }
            if !self.is_over {
                return self.read_on().await;
            }
        }
        match self.under_way.join_next().await {
            Some(done) => ended(done),
            None => self.last_line.take().map_or(Next::Over, Next::Line),
        }
    }

    /// Looks at more of the body, and meanwhile for documents that are done.
    async fn read_on(&mut self) -> Next {
        match self.framer.step() {
            Step::Piece(piece) => self.take_piece(piece),
            Step::Again => {
                tokio::task::yield_now().await;
                Next::Go
            }
            Step::Over => {
                self.is_over = true;
                Next::Go
            }
            Step::Hungry => {
                let stop = self.door.stop.clone();
                tokio::select! {
                    biased;
                    Some(done) = self.under_way.join_next() => ended(done),
                    () = stop.cancelled() => self.break_off(stopping()),
                    read = self.source.next() => match read {
                        Ok([]) => {
                            self.framer.end();
                            Next::Go
                        }
                        Ok(bytes) => {
                            self.framer.push(bytes);
                            Next::Go
                        }
                        Err(problem) => self.break_off(problem),
                    },
                }
            }
        }
    }

    /// Nothing more can be read: what is under way is ended, and the last line says why.
    fn break_off(&mut self, problem: Problem) -> Next {
        self.is_over = true;
        let place = Place { index: self.index, part: None, at: self.source.inflated() };
        let remedy =
            "what has no line of its own was not taken; send it again, with the same idempotency key if you use one";
        self.last_line = Some(Line::refused(place, problem.detail(remedy)));
        Next::Go
    }

    fn take_piece(&mut self, Piece { at, content }: Piece) -> Next {
        let place = Place { index: self.index, part: None, at };
        self.index += 1;
        let bytes = match content {
            Ok(bytes) => bytes,
            Err(broken) => return Next::Line(Line::refused(place, unreadable(broken))),
        };
        let terms = &self.terms;
        let rules = self.door.intake.in_force.now();
        let mapping = rules.dialects.catalogue().mapping(&terms.dialect, terms.kind);
        match mapping.map(|mapping| mapping.split(&bytes)) {
            Some(Ok(parts)) if parts.len() != 1 => {
                let parts = (0..).zip(parts);
                self.parts
                    .extend(parts.map(|(part, bytes)| Part { place: Place { part: Some(part), ..place }, bytes }));
                if self.parts.is_empty() {
                    return Next::Line(Line::refused(place, push::unreadable(vec![empty_envelope()])));
                }
            }
            Some(Err(failure)) => return Next::Line(Line::refused(place, push::unreadable(failure.faults))),
            Some(Ok(_)) | None => self.parts.push_back(Part { place, bytes }),
        }
        Next::Go
    }

    /// Reads a document, and starts it on its way unless an earlier version of its vacancy is still there.
    async fn open(&mut self, part: Part) -> Next {
        match self.door.intake.open(&self.terms.document(&part.bytes, None)).await {
            Ok(opened) => {
                self.held = Some((part, opened));
                Next::Go
            }
            Err(faults) => {
                // Reading never waits for anything; it makes way for others between two documents.
                tokio::task::yield_now().await;
                Next::Line(Line::refused(part.place, push::unreadable(faults)))
            }
        }
    }

    fn start(&mut self, part: Part, opened: Opened) {
        let (door, terms) = (self.door.clone(), self.terms.clone());
        let (reference, length) = (opened.reference.clone(), part.bytes.len());
        self.references.insert(reference.clone());
        self.bytes_under_way += length;
        let work = async move {
            door.limits.wait(&terms.key).await;
            let _place = door.admission.wait_for_place().await;
            let key = terms.idempotency_key.as_ref().map(|key| key_of(key, part.place));
            let document = terms.document(&part.bytes, key.as_deref());
            let taken = door.intake.accept(document, opened).await;
            let line = match taken.map_err(Problem::from).and_then(push::receipt) {
                Ok((status, receipt)) => Line::taken(part.place, status.as_u16(), receipt),
                Err(problem) => Line::refused(part.place, problem),
            };
            Done { line, reference, length }
        };
        self.under_way.spawn(work.in_current_span());
    }
}

impl Terms {
    fn document<'a>(&'a self, body: &'a [u8], idempotency_key: Option<&'a str>) -> Document<'a> {
        Document {
            partner: &self.partner,
            kind: self.kind,
            dialect: self.dialect.clone(),
            channel: Channel::Push,
            lane: Lane::Live,
            media_type: self.media_type.clone(),
            idempotency_key,
            body,
        }
    }
}

fn ended(done: Result<Done, JoinError>) -> Next {
    Next::Ended(done.expect("taking a document in does not panic, and nothing else ends it"))
}

/// The key of one document: the batch's, and its place.
fn key_of(key: &str, place: Place) -> String {
    match place.part {
        Some(part) => format!("{key}/{}.{part}", place.index),
        None => format!("{key}/{}", place.index),
    }
}

fn unreadable(broken: Broken) -> Problem {
    let code = broken.code.as_str().to_owned();
    push::unreadable(vec![Fault { pointer: String::new(), code, problem: broken.problem }])
}

fn empty_envelope() -> Fault {
    let problem = "the envelope holds no record".to_owned();
    Fault { pointer: String::new(), code: const { code("no_record") }.as_str().to_owned(), problem }
}

fn stopping() -> Problem {
    Problem::unavailable(const { code("stopping") }, "the gateway is being stopped", 5)
}
