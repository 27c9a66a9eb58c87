//! The daemon as a process: started, killed, asked.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use reqwest::{Method, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    task::JoinHandle,
};

use super::{PATIENCE, database, forwarder::Forwarder, until};

/// Lines of the log that are kept for a failure.
const LOG_LINES: usize = 200;
/// How long a start may take: brokers that were just mended may want a while themselves.
const STARTING: Duration = Duration::from_mins(3);

/// What a gateway is to be like.
pub struct Setup {
    folder: TempDir,
    data: PathBuf,
    program: PathBuf,
    environment: BTreeMap<String, String>,
    keeps_output: bool,
}

/// A gateway in a folder of its own.
pub struct Gateway {
    pub folder: TempDir,
    data: PathBuf,
    program: PathBuf,
    forwarder: Forwarder,
    environment: BTreeMap<String, String>,
    keeps_output: bool,
    child: Option<Child>,
    /// Reads what the process says, to its end.
    listener: Option<JoinHandle<()>>,
    log: Arc<Mutex<VecDeque<String>>>,
    pub http: reqwest::Client,
}

impl Setup {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["partners", "secrets"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("passerelle.toml"), "").unwrap();
        let data = folder.path().join("data");
        let (program, environment) = (env!("CARGO_BIN_EXE_passerelle").into(), BTreeMap::new());
        Self { folder, data, program, environment, keeps_output: false }
    }

    pub fn partner(self, (id, file): (&str, String)) -> Self {
        fs::write(self.folder.path().join(format!("partners/{id}.toml")), file).unwrap();
        self
    }

    pub fn secret(self, name: &str, value: &str) -> Self {
        fs::write(self.folder.path().join(format!("secrets/{name}")), value).unwrap();
        self
    }

    /// Sets `PASSERELLE__SECTION__NAME`.
    pub fn setting(self, name: &str, value: &str) -> Self {
        self.environment(&format!("PASSERELLE__{name}"), value)
    }

    /// Sets a variable of the process.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Keeps everything that the process says, in files of the gateway's folder.
    pub fn keeps_output(mut self) -> Self {
        self.keeps_output = true;
        self
    }

    /// Makes it the daemon of another version.
    pub fn program(mut self, program: &Path) -> Self {
        program.clone_into(&mut self.program);
        self
    }

    /// Writes the settings file.
    pub fn settings(self, text: &str) -> Self {
        fs::write(self.config(), text).unwrap();
        self
    }

    /// Gives it a key that wraps the keys of persons, and where those lie, if the suite is to use a server.
    pub async fn with_vault(self) -> Self {
        let file = self.config().with_file_name("wrapping.keys");
        let setup = self.setting("VAULT__KEY_FILE", &file.to_string_lossy());
        let made = setup.run(&["vault", "key"]).await;
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        match database::of_its_own().await {
            Some(url) => setup.setting("VAULT__URL", &url),
            None => setup,
        }
    }

    /// Puts log and store elsewhere.
    pub fn data_dir(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.data);
        self.setting("GATEWAY__DATA_DIR", &folder.to_string_lossy())
    }

    /// Where log and store are.
    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// Gives it a database of its own, if the suite is to use one.
    pub async fn with_store(self) -> Self {
        match database::of_its_own().await {
            Some(url) => self.setting("ENGINES__STORE", "postgresql").setting("POSTGRESQL__URL", &url),
            None => self,
        }
    }

    /// Runs a verb of the command line with this configuration, without a daemon.
    pub async fn run(&self, arguments: &[&str]) -> std::process::Output {
        Command::new(env!("CARGO_BIN_EXE_passerelle"))
            .args(arguments)
            .env("PASSERELLE_CONFIG", self.config())
            .envs(&self.environment)
            .output()
            .await
            .unwrap()
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("passerelle.toml")
    }

    /// Gives it topics of its own, if the suite is to use Kafka.
    fn with_log(self) -> Self {
        super::log::of_its_own().into_iter().fold(self, |setup, (name, value)| setup.setting(name, &value))
    }

    pub async fn start(mut self) -> Gateway {
        self = self.with_log().with_store().await;
        let mut gateway = Gateway {
            folder: self.folder,
            data: self.data,
            program: self.program,
            forwarder: Forwarder::start().await,
            environment: self.environment,
            keeps_output: self.keeps_output,
            child: None,
            listener: None,
            log: Arc::default(),
            http: client(),
        };
        gateway.start().await;
        gateway
    }
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(PATIENCE).build().unwrap()
}

impl Gateway {
    /// Starts the process and waits until it listens.
    pub async fn start(&mut self) {
        let mut child = Command::new(&self.program)
            .args(["serve", "--config"])
            .arg(self.folder.path().join("passerelle.toml"))
            .env("PASSERELLE__DOOR__LISTEN", "127.0.0.1:0")
            .env("PASSERELLE__TELEMETRY__FORMAT", "json")
            .envs(&self.environment)
            .stdout(self.kept("stdout.log").map_or_else(Stdio::inherit, Stdio::from))
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut kept = self.kept("stderr.log");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (ready, address) = tokio::sync::oneshot::channel();
        let log = self.log.clone();
        self.listener = Some(tokio::spawn(async move {
            let mut ready = Some(ready);
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(kept) = &mut kept {
                    writeln!(kept, "{line}").unwrap();
                }
                let event: Value = serde_json::from_str(&line).unwrap_or_default();
                if event["fields"]["message"] == "ready"
                    && let Some(ready) = ready.take()
                {
                    let _ = ready.send(event["fields"]["listen"].as_str().unwrap_or_default().parse());
                }
                let mut log = log.lock().unwrap();
                log.push_back(line);
                if log.len() > LOG_LINES {
                    log.pop_front();
                }
            }
        }));
        let address = tokio::time::timeout(STARTING, address).await;
        let Ok(Ok(Ok(address))) = address else { panic!("the gateway did not start:\n{}", self.log()) };
        self.forwarder.point_to(Some(address));
        self.child = Some(child);
    }

    /// kill -9: nothing is flushed, nothing is said.
    pub async fn kill(&mut self) {
        self.forwarder.point_to(None);
        let mut child = self.child.take().expect("a gateway that runs");
        child.kill().await.unwrap();
        self.heard_out().await;
    }

    /// Asks the process to stop, and returns whether it did so cleanly.
    pub async fn stop(&mut self) -> bool {
        self.forwarder.point_to(None);
        self.signal("TERM").await;
        let mut child = self.child.take().expect("a gateway that runs");
        let status = tokio::time::timeout(PATIENCE, child.wait()).await.expect("the gateway stops").unwrap();
        self.heard_out().await;
        status.success()
    }

    /// Waits until everything that the process has said is read.
    async fn heard_out(&mut self) {
        if let Some(listener) = self.listener.take() {
            listener.await.unwrap();
        }
    }

    /// A file of this gateway's folder that what the process says is added to, if it is to be kept.
    fn kept(&self, name: &str) -> Option<fs::File> {
        let path = self.folder.path().join(name);
        self.keeps_output.then(|| fs::OpenOptions::new().create(true).append(true).open(path).unwrap())
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().and_then(Child::id).expect("a gateway that runs")
    }

    /// A setting as `PASSERELLE__SECTION__NAME` gives it.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.environment.get(&format!("PASSERELLE__{name}")).map(String::as_str)
    }

    /// Sends the process a signal, such as `STOP` and `CONT`.
    pub async fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().await.unwrap().success());
    }

    /// What the gateway says of its parts, for a failure.
    pub async fn state(&self) -> String {
        match self.http.get(self.url("/health/ready")).send().await {
            Ok(response) => response.text().await.unwrap_or_default(),
            Err(error) => format!("it does not answer: {error}"),
        }
    }

    /// The most memory that the process has ever held.
    pub fn peak_memory_mib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() / 1_024
    }

    /// The last lines of the log.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().iter().cloned().collect::<Vec<_>>().join("\n")
    }

    /// Makes it the daemon of another version from its next start on.
    pub fn program(&mut self, program: &Path) {
        program.clone_into(&mut self.program);
    }

    /// Where log and store are.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Sets a variable of the process from its next start on.
    pub fn environment(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// A fixed address that outlives every restart.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.forwarder.address)
    }

    /// Where its door is, also after a restart.
    pub fn address(&self) -> SocketAddr {
        self.forwarder.address
    }

    pub fn operator_token(&self) -> String {
        fs::read_to_string(self.data.join("operator.token")).unwrap()
    }

    /// Makes a key for a partner.
    pub async fn key(&self, partner: &str) -> String {
        let body = serde_json::json!({"partner": partner, "label": "test"});
        let response =
            self.http.post(self.url("/v1/keys")).bearer_auth(self.operator_token()).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 201, "{}", self.log());
        response.json::<Value>().await.unwrap()["key"].as_str().unwrap().to_owned()
    }

    /// Asks as an operator, and again where the answer says so.
    pub async fn get(&self, path: &str) -> Value {
        let ask = async || self.http.get(self.url(path)).bearer_auth(self.operator_token()).send().await.unwrap();
        let mut response = ask().await;
        until("the gateway can tell", async || {
            let is_told = response.status() != StatusCode::SERVICE_UNAVAILABLE;
            if !is_told {
                response = ask().await;
            }
            is_told
        })
        .await;
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response.json().await.unwrap()
    }

    /// Asks the API for something as an operator.
    pub async fn ask(&self, method: Method, path: &str, body: &Value) -> Value {
        let request = self.http.request(method, self.url(path)).bearer_auth(self.operator_token());
        let response = request.json(body).send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.text().await.unwrap());
        response.json().await.unwrap()
    }

    /// A metric by its name and a part of its labels; 0 if it was never counted.
    pub async fn metric(&self, name: &str, label: &str) -> f64 {
        let text = self.http.get(self.url("/metrics")).send().await.unwrap().text().await.unwrap();
        let matching = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
        matching.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// Runs a verb of the command line against this gateway.
    pub async fn run(&self, arguments: &[&str]) -> std::process::Output {
        self.command(arguments).output().await.unwrap()
    }

    /// A verb of the command line against this gateway, to be run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
        command
            .args(arguments)
            .env("PASSERELLE_URL", self.url(""))
            .env("PASSERELLE_CONFIG", self.folder.path().join("passerelle.toml"))
            .envs(&self.environment);
        command
    }
}
