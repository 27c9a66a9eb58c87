//! Everything that takes part in a flow.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use super::{
    floor::Floor,
    node::Node,
    receiver::Receiver,
    scene::{self, Engine, PUSHER, Servers},
};
use crate::{
    cli::bench::load::{Clients, PLACE},
    supervisor::Supervisor,
};

/// A sample of the VDAB dialect, invented: 3.8 KB, which become 7 KB of XML.
pub const DOCUMENT: &str = include_str!("../../../../../mappings/dialects/vdab-json/samples/001-full-html.in.json");
/// Its title and its reference.
const TITLE: &str = "/functie/functieTitel";
const REFERENCE: &str = "/vacatureReferentie/interneReferentie";
/// The number of the floor's first document, far from ours.
const FLOOR_FROM: u64 = 1 << 32;

/// The gateway, its floor, clients and the receiver.
pub struct Stage<'s> {
    pub servers: &'s Servers,
    /// What the names of the floor's topics begin with.
    pub floor_prefix: String,
    pub receiver: Receiver,
    /// The gateway; none while it is stopped.
    pub node: Option<Node>,
    pub ours: Clients,
    pub floor: Option<(Floor, Clients)>,
    /// How long a round pushes.
    pub round: Duration,
    supervisor: &'s Supervisor,
    folder: TempDir,
    configuration: PathBuf,
    clients: usize,
}

impl<'s> Stage<'s> {
    /// Starts receiver, gateway and, on Kafka, the floor.
    pub async fn set(servers: &'s Servers, clients: usize, seconds: u64, supervisor: &'s Supervisor) -> Result<Self> {
        let (folder, receiver) = (tempfile::tempdir()?, Receiver::start(supervisor).await?);
        let prefix = format!("bench-{}.", Uuid::new_v4().simple());
        let configuration = scene::write(folder.path(), servers, &prefix, &receiver.url)?;
        let node = Node::start(&configuration, &folder.path().join("data-1"), supervisor).await?;
        let ours = clients_of(&node, clients, &receiver, DOCUMENT).await?;
        let floor_prefix = format!("{prefix}floor.");
        let floor = match servers.engine {
            Engine::Embedded => None,
            Engine::Kafka => {
                let floor = Floor::start(servers, &floor_prefix, REFERENCE, &receiver.url).await?;
                let (url, told) = (floor.url.clone(), receiver.clone());
                let clients =
                    Clients::new(&url, "", (&numbered(DOCUMENT)?, REFERENCE), clients)?.counting_from(FLOOR_FROM);
                Some((floor, clients.telling(move |number| told.pushed(number))))
            }
        };
        let (node, round) = (Some(node), Duration::from_secs(seconds));
        Ok(Self {
            servers,
            floor_prefix,
            receiver,
            node,
            ours,
            floor,
            round,
            supervisor,
            folder,
            configuration,
            clients,
        })
    }

    /// Starts a gateway with the data of another one, or with none.
    pub async fn another(&self, data: &str) -> Result<Node> {
        Node::start(&self.configuration, &self.folder.path().join(data), self.supervisor).await
    }

    /// Lets the clients push to this gateway.
    pub async fn push_to(&mut self, node: &Node) -> Result<()> {
        let next = self.ours.made();
        self.ours = clients_of(node, self.clients, &self.receiver, DOCUMENT).await?.counting_from(next);
        Ok(())
    }

    /// The gateway that runs.
    pub fn node(&self) -> Result<&Node> {
        self.node.as_ref().context("the gateway was stopped")
    }

    /// Ends everything.
    pub async fn strike(mut self) -> Result<()> {
        if let Some(node) = self.node.take() {
            node.stop().await?;
        }
        if let Some((floor, _)) = self.floor.take() {
            floor.stop().await;
        }
        self.supervisor.stop(Duration::from_secs(5)).await;
        Ok(())
    }
}

/// A document of the VDAB dialect, with its number in the title.
fn numbered(document: &str) -> Result<String> {
    let mut document: Value = serde_json::from_str(document)?;
    *document.pointer_mut(TITLE).context("a sample without title")? = Value::from(format!("Lasser nr {PLACE}"));
    Ok(document.to_string())
}

/// Clients that push to a gateway, with a key made there.
pub async fn clients_of(node: &Node, clients: usize, receiver: &Receiver, document: &str) -> Result<Clients> {
    let (url, told) = (format!("{}/v1/{PUSHER}/vacancy", node.root), receiver.clone());
    let clients = Clients::new(&url, &node.key(PUSHER).await?, (&numbered(document)?, REFERENCE), clients)?;
    Ok(clients.telling(move |number| told.pushed(number)))
}
