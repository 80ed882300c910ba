//! One viewing of a VNC server: begun, and closed in order.

use std::sync::Arc;
use std::time::Instant;

use panto_protocol::message::Mode;
use panto_protocol::rfb::client::{Connection as Rfb, ServerInit};
use panto_transport::Pipe;
use tokio::time::timeout;

use super::possible;
use super::session::Link;
use super::{VncConnector, VncOpened, VncServer};
use crate::core::client::connect::{LAST_WORDS, MAX_LAST_WORDS, Wishes, quit};
use crate::core::client::{Client, until};
use crate::core::{Connection, ViewError};

impl Client {
    /// Views over one connection, until it ends.
    pub(in crate::core::client) async fn view_vnc_once(
        &mut self,
        attempt: &mut u32,
    ) -> Result<(), ViewError> {
        let Some(VncOpened { stream, init, said }) = self.open_vnc().await? else { return Ok(()) };
        *attempt = 0;
        let counters = stream.counters();
        let config = self.options.vnc.config(self.options.settings.depth, self.options.view_only);
        let readable = !stream.is_encrypted() && !self.options.target.is_loopback();
        let mut link = Link::new(Pipe::new(stream), Rfb::new(&init, &config), Arc::clone(&counters));
        self.begin_vnc(&init, readable);
        link.connection.feed(&said);
        let result = self.drive_vnc(&mut link).await;
        if !result.as_ref().is_err_and(ViewError::is_retryable) {
            let _ = timeout(LAST_WORDS, link.pipe.finish(MAX_LAST_WORDS)).await;
        }
        self.vnc.keep_bytes(&link.connection);
        self.bytes_before.0 += counters.read();
        self.bytes_before.1 += counters.written();
        result
    }

    /// Shows the server's screen from now on. `readable`: whether others on the way can read along.
    fn begin_vnc(&mut self, init: &ServerInit, readable: bool) {
        self.connected_at.get_or_insert_with(Instant::now);
        self.vnc.painter.begin(init.size);
        self.vnc.hands.forget();
        let settings = possible(self.options.settings);
        let may_control = !self.options.view_only;
        self.view.update(|s| {
            s.picture.resize(init.size, 0);
            s.damage.add(s.picture.bounds());
            s.generation += 1;
            s.screen = init.size;
            s.connection = Connection::Connected;
            s.settings = settings;
            s.may_control = may_control;
            s.can_resize = false;
            s.server_name = init.name.clone();
            s.cursor = None;
        });
        if std::mem::replace(&mut self.vnc.told, true) {
            return;
        }
        let given = self.options.settings;
        let means_nothing = !matches!(given.mode, Mode::Auto | Mode::Pixels)
            || (given.scale, given.depth) != (settings.scale, settings.depth);
        if means_nothing {
            let text = "A VNC server sends pixels only, of 24, 16 or 8 bits and at full size";
            tracing::warn!("{text}: what else was asked for means nothing there");
            self.view.notice(text);
        }
        if readable {
            let text = "Not encrypted: others on the way can read what is shown and typed";
            tracing::warn!("{text}; through ssh they cannot: ssh -L 5900:localhost:5900 HOST");
            self.view.notice(text);
        }
    }

    /// Connects; `None` if the person has had enough, or the time is over.
    async fn open_vnc(&mut self) -> Result<Option<VncOpened>, ViewError> {
        let server = VncServer {
            target: self.options.target.clone(),
            trust: self.options.trust,
            known_hosts: self.options.known_hosts.clone(),
            tls: self.options.tls,
            user: self.options.vnc.user.clone(),
        };
        let mut connector = VncConnector::new(server, Arc::clone(&self.prompt));
        connector.secret = self.secret.take();
        let mut wishes = Wishes::default();
        let deadline = self.deadline();
        let opened = tokio::select! {
            opened = connector.connect() => opened.map(Some),
            () = quit(&mut self.view.commands, &mut wishes) => Ok(None),
            () = until(deadline) => Ok(None),
        };
        let (read, written) = connector.take_given_up();
        self.secret = connector.secret;
        self.bytes_before.0 += read;
        self.bytes_before.1 += written;
        self.grant(wishes);
        opened
    }
}
