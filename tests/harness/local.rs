//! A server and viewers inside the test's own process, over real sockets.

use std::sync::Arc;
use std::time::Duration;

use panto_protocol::message::{InputEvent, Rights, Settings};
use panto_protocol::pixel::Picture;
use panto_server::frontend::{AuthPolicy, Server, ServerConfig};
use panto_server::scene::{Scene, SharedScene};
use panto_server::source::Source;
use panto_transport::{Fingerprint, KnownHosts, ListenAddress, Listener, Target, TrustPolicy};
use panto_viewer::core::{Client, ClientOptions, Command, Handle, Prompt, View, ViewError};
use panto_viewer::stats::Stats;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::PATIENCE;

/// A server for a scene that the test paints.
pub struct Local {
    /// The server.
    pub server: Arc<Server>,
    /// Where viewers connect.
    pub target: Target,
    dir: TempDir,
    task: JoinHandle<()>,
}

/// A viewer without a window.
pub struct Watcher {
    /// What it shows, and its ear for commands.
    pub handle: Handle,
    task: JoinHandle<(Stats, Result<(), ViewError>)>,
}

/// A source that does nothing by itself.
struct Still;

impl Source for Still {
    fn input(&self, _: &InputEvent) {}
    fn can_resize(&self) -> bool {
        false
    }
    fn resize(&self, _: panto_protocol::geometry::Size) -> Result<(), String> {
        Err("a still picture keeps its size".into())
    }
    fn failure(&self) -> Option<String> {
        None
    }
}

/// Answers no questions.
struct Nobody;

impl Prompt for Nobody {
    fn secret(&self, _: &str, _: Option<&str>) -> Option<String> {
        None
    }
    fn trust(&self, _: &Target, _: Fingerprint) -> bool {
        false
    }
}

impl Local {
    /// Serves a scene that only the test changes.
    pub async fn of_scene(scene: Scene) -> (Self, Arc<SharedScene>) {
        let scene = Arc::new(SharedScene::new(scene));
        (Self::start(Arc::clone(&scene), Arc::new(Still)).await, scene)
    }

    /// Serves a scene with its source.
    pub async fn start(scene: Arc<SharedScene>, source: Arc<dyn Source>) -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let path = dir.path().join("s/panto.sock");
        let listener = Listener::bind(&[ListenAddress::Unix(path.clone())]).await.expect("a socket");
        let config = ServerConfig {
            name: "test".into(),
            auth: AuthPolicy::None,
            rsa_aes: None,
            vnc_password: None,
            tls: None,
            rights: Rights::Control,
        };
        let server = Server::new(config, scene, source);
        let task = tokio::spawn(Arc::clone(&server).run(listener));
        Self { server, target: Target::unix(path), dir, task }
    }

    /// Connects a viewer.
    pub fn watch(&self, settings: Settings) -> Watcher {
        Watcher::start(self.options(settings))
    }

    /// What [`Local::watch`] asks for: this server, and no second try after a loss.
    pub fn options(&self, settings: Settings) -> ClientOptions {
        ClientOptions {
            target: self.target.clone(),
            trust: TrustPolicy::Strict,
            known_hosts: KnownHosts::at(self.dir.path().join("known_hosts")),
            tls: true,
            name: "watcher".into(),
            settings,
            view_only: false,
            local_moves: true,
            explain: false,
            disk_cache: None,
            vnc: Default::default(),
            reconnect: false,
            duration: None,
        }
    }

    /// Scene locked, for reading.
    pub fn scene(&self) -> &Arc<SharedScene> {
        self.server.scene()
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.server.close();
        self.task.abort();
    }
}

impl Watcher {
    /// Connects with these options; answers no questions.
    pub fn start(options: ClientOptions) -> Self {
        Self::start_with(options, Arc::new(Nobody))
    }

    /// The same with someone who answers.
    pub fn start_with(options: ClientOptions, prompt: Arc<dyn Prompt>) -> Self {
        let view = View::new();
        let handle = view.handle();
        Self { handle, task: tokio::spawn(Client::new(options, prompt, view).run()) }
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits until the picture satisfies `condition`.
    pub async fn until(&self, what: &str, mut condition: impl FnMut(&Picture) -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !condition(&self.handle.shown().picture) {
            assert!(tokio::time::Instant::now() < deadline, "never happened: {what}");
            assert!(!self.task.is_finished(), "the viewer ended before: {what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Sends a command.
    pub fn send(&self, command: Command) {
        self.handle.send(command);
    }

    /// Ends the viewing and returns its figures.
    pub async fn quit(self) -> (Stats, Result<(), ViewError>) {
        self.handle.send(Command::Quit);
        tokio::time::timeout(PATIENCE, self.task).await.expect("the viewer ends").expect("no panic")
    }

    /// Waits for the end that comes by itself.
    pub async fn ended(self) -> (Stats, Result<(), ViewError>) {
        tokio::time::timeout(PATIENCE, self.task).await.expect("the viewer ends").expect("no panic")
    }
}
