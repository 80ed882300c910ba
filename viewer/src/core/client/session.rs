//! The loop of an open connection: bytes, commands and deadlines, until the end and its goodbye.

use std::time::{Duration, Instant};

use panto_protocol::connection::ConnectionError;
use panto_protocol::message::ByeReason;
use panto_transport::Turn;

use super::link::{Link, ended, lost};
use super::{Client, until};
use crate::core::{Command, ViewError};

/// Pings are this far apart while a person may look at the figures.
const PING_EVERY: Duration = Duration::from_secs(5);

/// How long the end waits for the server's figures and last frames.
const FAREWELL: Duration = Duration::from_secs(2);

/// Bytes chosen for the wire at once.
const TRANSMIT: usize = 16 << 10;

/// What one [`TRANSMIT`] takes off the count of unread answers: 64 bytes each, more than
/// an acknowledgement or a request for a refresh has.
const UNREAD_A_TRANSMIT: usize = TRANSMIT / 64;

impl Client {
    /// Moves bytes and acts on them until the connection ends.
    pub(super) async fn drive(&mut self, link: &mut Link, attempt: &mut u32) -> Result<(), ViewError> {
        let mut ping = tokio::time::interval(PING_EVERY);
        ping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.events(link, attempt).await?;
            if link.pipe.is_writable() && link.connection.has_transmit() {
                link.connection.poll_transmit(link.pipe.output(), TRANSMIT);
                link.unread = link.unread.saturating_sub(UNREAD_A_TRANSMIT);
            }
            if link.told && link.pipe.is_writable() && !link.connection.has_transmit() {
                return Ok(());
            }
            let now = self.now();
            let timeout = [link.connection.poll_timeout(), self.painting.poll_timeout()];
            let timeout = timeout.into_iter().flatten().min().map(|at| Duration::from(at.since(now)));
            self.save_if_due();
            let deadline = if link.farewell.is_some() { link.farewell } else { self.deadline() };
            // Pings keep the overlay's figure fresh; a headless run must not pay for them.
            let pings = link.connection.is_open() && self.options.duration.is_none();
            tokio::select! {
                turn = link.pipe.turn() => match turn {
                    Ok(Turn::Read(bytes)) => {
                        let now = self.origin.elapsed().into();
                        let was_open = link.connection.is_open();
                        if let Err(error) = link.connection.feed(bytes, now) {
                            // Frames that came before a goodbye in the same read belong to the last picture.
                            if was_open {
                                self.events(link, attempt).await?;
                            }
                            return Err(match error {
                                ConnectionError::Decode(_) if !link.met => ViewError::NotPanto {
                                    target: self.options.target.to_string(),
                                    source: error,
                                },
                                error => ended(error),
                            });
                        }
                    }
                    Ok(Turn::Written) => {}
                    Ok(Turn::Closed) => return Err(lost("the server closed the connection")),
                    Err(error) => return Err(lost(error.to_string())),
                },
                command = self.view.commands.recv() => match command {
                    Some(command) => self.command(command, link)?,
                    None => self.begin_farewell(link),
                },
                () = tokio::time::sleep(timeout.unwrap_or(Duration::from_secs(3600))) => {
                    let now = self.now();
                    link.connection.handle_timeout(now).map_err(ended)?;
                    if self.painting.handle_timeout(now) {
                        self.show();
                    }
                }
                () = until(deadline) => {
                    if link.farewell.is_some() {
                        self.say_goodbye(link);
                    } else {
                        self.begin_farewell(link);
                    }
                }
                // A screen at rest costs nothing but the keep-alive: no figures change either.
                _ = ping.tick(), if pings && link.figures_of != Some(self.stats.frames) => {
                    link.figures_of = Some(self.stats.frames);
                    link.connection.ping(self.now());
                    link.connection.request_stats();
                }
            }
        }
    }

    /// The end begins: ask for the server's figures, which tell how many frames it has
    /// sent, so that all of them can be painted before leaving.
    pub(super) fn begin_farewell(&mut self, link: &mut Link) {
        self.quitting = true;
        if link.connection.is_open() && link.farewell.is_none() {
            link.connection.request_stats();
            link.farewell = Some(Instant::now() + FAREWELL);
        } else {
            self.say_goodbye(link);
        }
    }

    /// Ends a farewell once every frame that the server had sent is painted.
    pub(super) fn leave_if_all_is_painted(&mut self, link: &mut Link) {
        let all = link.last_frame.is_some_and(|last| self.painted >= last);
        if link.farewell.is_some() && all && !link.told {
            self.say_goodbye(link);
        }
    }

    fn say_goodbye(&mut self, link: &mut Link) {
        link.connection.close(ByeReason::Done, "");
        link.told = true;
    }

    fn command(&mut self, command: Command, link: &mut Link) -> Result<(), ViewError> {
        let connection = &mut link.connection;
        match command {
            Command::Quit => self.begin_farewell(link),
            Command::Explain(on) => self.explain(on),
            _ if !connection.is_open() => {
                if let Command::Settings(settings) = command {
                    self.options.settings = settings;
                }
            }
            Command::Input(event) => {
                let may = self.view.handle().shown().may_control && !self.options.view_only;
                if may {
                    connection.send_input(&event);
                    if self.painting.input_sent(&event, self.origin.elapsed().into()) {
                        self.show();
                    }
                }
            }
            Command::Settings(settings) => {
                self.options.settings = settings;
                connection.send_settings(settings);
            }
            Command::Refresh => connection.send_refresh(),
            Command::Resize(size) => connection.send_resize(size),
            // Panto's own protocol has no clipboard yet.
            Command::Clipboard(_) => {}
            Command::Reconnect => return Err(lost("reconnecting on request")),
        }
        Ok(())
    }
}
