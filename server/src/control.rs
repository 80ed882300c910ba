//! The control socket: one JSON object a line, both ways, over a Unix socket that
//! only the same user can open.

use std::path::PathBuf;
use std::sync::Arc;

use panto_protocol::message::{Depth, Mode, Scale, Settings, Wire};
use panto_transport::{ListenAddress, ListenError, Listener, Stream};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use crate::frontend::{Server, ViewerInfo};

/// Longest request, in bytes.
const MAX_REQUEST: u64 = 64 << 10;

/// What `panto ctl` asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Request {
    /// Figures of the server.
    Status,
    /// All viewers.
    Viewers,
    /// Other settings for one viewer or for all.
    Set {
        /// `None` is all.
        #[serde(default)]
        viewer: Option<u64>,
        /// What is to change.
        #[serde(flatten)]
        change: Change,
    },
    /// End a viewer's connection.
    Kick {
        /// Its number.
        viewer: u64,
    },
}

/// Settings to change; `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    /// `pixels`, `commands`, `hybrid` or `auto`.
    pub mode: Option<String>,
    /// 24, 16, 8, 4 or 1.
    pub depth: Option<u8>,
    /// Divisor: 1, 2 or 4.
    pub scale: Option<u8>,
    /// Ordered dithering.
    pub dither: Option<bool>,
    /// Copies in `pixels`.
    pub copy_rect: Option<bool>,
    /// Form of the draw commands by its name, `coded` or `plain`.
    pub wire: Option<String>,
    /// Nothing shown roughly first.
    pub exact: Option<bool>,
}

/// What the server answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// To [`Request::Status`].
    Status(Status),
    /// To [`Request::Viewers`].
    Viewers(Vec<ViewerInfo>),
    /// To [`Request::Set`] and [`Request::Kick`]: how many viewers it reached.
    Reached(usize),
    /// What was wrong.
    Error(String),
}

/// Figures of the server, under METRICS.md's names.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Status {
    /// Name of the server.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// Seconds since it began.
    pub uptime_s: f64,
    /// CPU seconds of its process.
    pub server_cpu_s: f64,
    /// Width of the screen in pixels.
    pub width: u32,
    /// Height of the screen in pixels.
    pub height: u32,
    /// Windows that the source knows; 0 for a screen that is captured flat.
    pub windows: usize,
    /// `surfaces`, or `flat: ` and the reason why windows are not known.
    pub windows_as: String,
    /// Viewers at present.
    pub viewers: usize,
    /// Why there is no picture, if there is none.
    pub failure: Option<String>,
    /// Why the picture is an old one, if it is.
    #[serde(default)]
    pub trouble: Option<String>,
}

impl Change {
    /// Applies the change.
    ///
    /// # Errors
    ///
    /// A sentence that names the valid values.
    pub fn apply(&self, settings: &mut Settings) -> Result<(), String> {
        if let Some(mode) = &self.mode {
            settings.mode = Mode::ALL
                .into_iter()
                .find(|m| m.name() == mode)
                .ok_or_else(|| format!("no mode {mode}: it is pixels, commands, hybrid or auto"))?;
        }
        if let Some(depth) = self.depth {
            settings.depth = Depth::from_bits(depth)
                .ok_or_else(|| format!("no depth {depth}: it is 24, 16, 8, 4 or 1"))?;
        }
        if let Some(scale) = self.scale {
            settings.scale =
                Scale::from_divisor(scale).ok_or_else(|| format!("no scale 1/{scale}: it is 1, 2 or 4"))?;
        }
        if let Some(wire) = &self.wire {
            settings.wire = Wire::ALL
                .into_iter()
                .find(|w| w.name() == wire)
                .ok_or_else(|| format!("no wire {wire}: it is coded or plain"))?;
        }
        settings.dither = self.dither.unwrap_or(settings.dither);
        settings.copy_rect = self.copy_rect.unwrap_or(settings.copy_rect);
        settings.exact = self.exact.unwrap_or(settings.exact);
        Ok(())
    }
}

/// Serves the control socket until dropped.
pub struct Control {
    task: tokio::task::JoinHandle<()>,
}

impl Control {
    /// Listens on `path`, readable by this user only.
    pub async fn start(server: Arc<Server>, path: PathBuf) -> Result<Self, ListenError> {
        let listener = Listener::bind(&[ListenAddress::Unix(path)]).await?;
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await;
                let server = Arc::clone(&server);
                tokio::spawn(async move {
                    if let Err(error) = converse(&server, stream).await {
                        tracing::debug!(%error, "control connection");
                    }
                });
            }
        });
        Ok(Self { task })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn converse(server: &Server, stream: Stream) -> std::io::Result<()> {
    let (reader, mut writer) = tokio::io::split(stream);
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = Vec::new();
        let n = (&mut reader).take(MAX_REQUEST).read_until(b'\n', &mut line).await?;
        if n == 0 {
            return Ok(());
        }
        let response = match serde_json::from_slice(&line) {
            Ok(request) => answer(server, request),
            Err(error) => Response::Error(format!("not a request: {error}")),
        };
        let mut json = serde_json::to_vec(&response).map_err(std::io::Error::other)?;
        json.push(b'\n');
        writer.write_all(&json).await?;
        writer.flush().await?;
        if line.last() != Some(&b'\n') {
            // Cut at the limit: what follows is the middle of something.
            return Ok(());
        }
    }
}

fn answer(server: &Server, request: Request) -> Response {
    match request {
        Request::Status => Response::Status(server.status()),
        Request::Viewers => Response::Viewers(server.viewers()),
        Request::Set { viewer, change } => {
            if let Err(reason) = change.apply(&mut Settings::default()) {
                return Response::Error(reason);
            }
            let reached = server.set(viewer, |settings| {
                // Checked above: validity does not depend on the old settings.
                let _ = change.apply(settings);
            });
            reached_or(viewer, reached)
        }
        Request::Kick { viewer } => reached_or(Some(viewer), usize::from(server.kick(viewer))),
    }
}

fn reached_or(viewer: Option<u64>, reached: usize) -> Response {
    match viewer {
        Some(id) if reached == 0 => Response::Error(format!(
            "no viewer {id} that this could be asked of; `panto ctl viewers` lists them, and those of VNC choose for \
                 themselves"
        )),
        _ => Response::Reached(reached),
    }
}

/// Sends one request to the control socket at `path`.
pub async fn ask(path: &std::path::Path, request: &Request) -> std::io::Result<Response> {
    let stream = tokio::net::UnixStream::connect(path).await?;
    let mut stream = BufReader::new(stream);
    let mut json = serde_json::to_vec(request).map_err(std::io::Error::other)?;
    json.push(b'\n');
    stream.write_all(&json).await?;
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    serde_json::from_str(&line).map_err(std::io::Error::other)
}
