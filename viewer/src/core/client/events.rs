//! What the server says: frames, pointers, digests, settings, figures.

use std::sync::Arc;

use panto_protocol::connection::ClientEvent;
use panto_protocol::message::{AuthMethods, CursorMessage, ServerHello};

use super::Client;
use super::link::Link;
use crate::core::{FrameError, Verdict, ViewError};

impl Client {
    /// Acts on everything that has come.
    pub(super) async fn events(&mut self, link: &mut Link, attempt: &mut u32) -> Result<(), ViewError> {
        while let Some(event) = link.connection.poll() {
            link.met = true;
            match event {
                ClientEvent::Demand(hello) => self.prove(&hello, None, link).await?,
                ClientEvent::Retry(reason) => {
                    self.secret = None;
                    let hello = ServerHello {
                        version: 0,
                        name: self.options.target.to_string(),
                        methods: AuthMethods::PASSWORD,
                    };
                    self.prove(&hello, Some(reason), link).await?;
                }
                ClientEvent::Welcome(welcome) => {
                    *attempt = 0;
                    self.welcome(&welcome);
                    // Others may have been chosen while the greeting was on its way.
                    if welcome.settings != self.options.settings {
                        link.connection.send_settings(self.options.settings);
                    }
                }
                ClientEvent::Frame(frame) => self.frame(&frame, link)?,
                ClientEvent::Cursor(message) => self.cursor(message),
                ClientEvent::Settings(settings) => {
                    self.options.settings = settings;
                    self.view.update(|s| s.settings = settings);
                    self.publish(&link.counters);
                }
                ClientEvent::Digest { frames, digest } => {
                    let verdict = self.painting.check(frames, digest, &link.connection);
                    self.judge(verdict, link)?;
                }
                ClientEvent::Outputs { screen, .. } => self.view.update(|s| s.screen = screen),
                ClientEvent::Stats(json) => {
                    self.server_figures(&json, link);
                    self.leave_if_all_is_painted(link);
                }
                ClientEvent::Notice(text) => self.view.notice(text),
                ClientEvent::Pong { rtt } => {
                    self.stats.rtt_ms = Some(rtt.as_millis_f64());
                    self.publish(&link.counters);
                }
            }
        }
        Ok(())
    }

    fn frame(&mut self, frame: &[u8], link: &mut Link) -> Result<(), ViewError> {
        let (painting, origin) = (&mut self.painting, self.origin);
        let shown = self.view.update(|s| {
            let shown =
                painting.frame(frame, &mut link.connection, &mut s.picture, || origin.elapsed().into())?;
            s.damage.add_region(&shown.damage);
            s.damage.simplify(64);
            s.generation += 1;
            Ok::<_, FrameError>(shown)
        })?;
        self.painted = link.connection.frames_painted();
        link.answered()?;
        self.judge(shown.verdict, link)?;
        self.publish(&link.counters);
        self.leave_if_all_is_painted(link);
        Ok(())
    }

    fn cursor(&mut self, message: CursorMessage) {
        match message {
            CursorMessage::Define { slot, image } => {
                let slot = slot as usize;
                if self.cursors.len() <= slot {
                    self.cursors.resize(slot + 1, None);
                }
                let image = Arc::new(image);
                self.cursors[slot] = Some(Arc::clone(&image));
                self.view.update(|s| s.cursor = Some(image));
            }
            CursorMessage::Use { slot } => {
                // A slot that was never defined shows the pointer as it was: always some pointer.
                if let Some(Some(image)) = self.cursors.get(slot as usize) {
                    let image = Arc::clone(image);
                    self.view.update(|s| s.cursor = Some(image));
                }
            }
            CursorMessage::Move { position } => self.view.update(|s| s.pointer = position),
        }
    }

    /// Acts on what a digest said.
    fn judge(&mut self, verdict: Option<Verdict>, link: &mut Link) -> Result<(), ViewError> {
        match verdict {
            None => return Ok(()),
            Some(Verdict::Right) => self.stats.digests_ok += 1,
            Some(Verdict::Wrong) => {
                self.stats.digests_wrong += 1;
                let frames = self.painted;
                tracing::error!(frames, "the picture is not the server's: asking for all of it again");
                // Should a forged hash be why, it is not met again.
                self.painting.forget_library();
                if let Some(file) = self.kept.take() {
                    file.forget();
                }
                link.connection.send_refresh();
                link.answered()?;
            }
        }
        self.publish(&link.counters);
        Ok(())
    }
}
