//! One connection: made to the server that is meant, proved, welcomed, and closed in order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use panto_protocol::connection::{ClientConfig, ClientConnection};
use panto_protocol::message::{AuthMethods, Offer, ResumeTicket, Rights, ServerHello, Settings, Welcome};
use panto_transport::{Endpoint, Pipe, Protocol};
use tokio::sync::mpsc::UnboundedReceiver;

use super::link::Link;
use super::{Client, until};
use crate::core::trust::{Trusted, connect_trusted};
use crate::core::{Command, Connection, ViewError};

/// How long the server may take to close after a goodbye.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(1);

/// Bytes that may still come then: twice what a server has on its way at most.
pub(super) const MAX_LAST_WORDS: u64 = 16 << 20;

impl Client {
    /// Views over one connection, until it ends.
    pub(super) async fn view_once(&mut self, attempt: &mut u32) -> Result<(), ViewError> {
        if self.options.target.protocol == Protocol::Vnc {
            return self.view_vnc_once(attempt).await;
        }
        let mut wishes = Wishes::default();
        let deadline = self.deadline();
        let connected = tokio::select! {
            stream = connect_trusted(&self.options, &self.prompt) => Some(stream?),
            () = quit(&mut self.view.commands, &mut wishes) => None,
            () = until(deadline) => None,
        };
        self.grant(wishes);
        let Some(Trusted { stream, given_up, identity }) = connected else { return Ok(()) };
        self.open_library(&identity).await;
        self.bytes_before.0 += given_up.0;
        self.bytes_before.1 += given_up.1;
        let counters = stream.counters();
        // Who comes back to a session has its caches still.
        let offer = if self.resume.is_some() { Offer::default() } else { self.painting.offer() };
        let config = ClientConfig {
            name: self.options.name.clone(),
            settings: self.options.settings,
            resume: self.resume.map(|secret| ResumeTicket { secret, painted: self.painted }),
            offer,
        };
        let mut link = Link {
            encrypted: stream.is_encrypted(),
            unread: 0,
            met: false,
            pipe: Pipe::new(stream),
            connection: ClientConnection::new(config, self.now()),
            counters: Arc::clone(&counters),
            farewell: None,
            told: false,
            last_frame: None,
            figures_of: None,
        };
        let result = self.drive(&mut link, attempt).await;
        // After a goodbye both ends close in order, so that the last byte is counted too. A
        // connection that was lost is left as it is: its server waits for the next one.
        if !result.as_ref().is_err_and(ViewError::is_retryable) {
            let _ = tokio::time::timeout(LAST_WORDS, link.pipe.finish(MAX_LAST_WORDS)).await;
        }
        self.bytes_before.0 += counters.read();
        self.bytes_before.1 += counters.written();
        let is_unix = matches!(self.options.target.endpoint, Endpoint::Unix(_));
        let may_want_tls = !self.options.tls && !is_unix && !link.met && self.connected_at.is_none();
        match result {
            Err(ViewError::Lost { .. } | ViewError::NotPanto { .. }) if may_want_tls => {
                let reason = "whoever listens there does not answer without TLS";
                Err(ViewError::NeedsTls { target: self.options.target.to_string(), reason })
            }
            result => result,
        }
    }

    /// Answers a server that asks for a secret.
    pub(super) async fn prove(
        &mut self,
        hello: &ServerHello,
        wrong: Option<String>,
        link: &mut Link,
    ) -> Result<(), ViewError> {
        if !link.encrypted {
            // No Panto server asks here: whoever does is after the password.
            return Err(ViewError::Auth {
                reason: "whoever answers asks for a password or ticket without TLS, and got none: start the server \
                         with a password (panto passwd), or find out what else listens there"
                    .into(),
            });
        }
        let secret = match self.secret.clone() {
            Some(secret) => secret,
            None => {
                let (prompt, server, said) = (Arc::clone(&self.prompt), hello.name.clone(), wrong.clone());
                let asked = tokio::task::spawn_blocking(move || prompt.secret(&server, said.as_deref()));
                let mut wishes = Wishes::default();
                let answer = tokio::select! {
                    answer = asked => answer.ok().flatten(),
                    () = quit(&mut self.view.commands, &mut wishes) => {
                        self.begin_farewell(link);
                        return Ok(());
                    }
                };
                self.grant(wishes);
                answer.ok_or_else(|| ViewError::Auth {
                    reason: wrong.unwrap_or_else(|| {
                        "the server asks for a password or ticket, and none was given (--password-file)"
                            .into()
                    }),
                })?
            }
        };
        self.secret = Some(secret.clone());
        link.connection.authenticate(AuthMethods::PASSWORD, secret, self.now());
        Ok(())
    }

    /// Begins to view, or goes on: the server has let the viewer in.
    pub(super) fn welcome(&mut self, welcome: &Welcome) {
        if !welcome.resumed {
            self.painting.begin();
            self.painted = 0;
        }
        self.cursors.clear();
        self.resume = Some(welcome.resume_secret);
        self.connected_at.get_or_insert_with(Instant::now);
        let may_control = welcome.rights == Rights::Control && !self.options.view_only;
        self.view.update(|s| {
            s.connection = Connection::Connected;
            s.screen = welcome.screen;
            s.settings = welcome.settings;
            s.may_control = may_control;
            s.can_resize = welcome.can_resize && may_control;
            s.server_name = welcome.name.clone();
        });
    }

    /// Does what was asked for while there was no connection.
    pub(super) fn grant(&mut self, wishes: Wishes) {
        if let Some(settings) = wishes.settings {
            self.options.settings = settings;
        }
        if let Some(on) = wishes.explain {
            self.explain(on);
        }
    }
}

/// What of a person's commands means something without a connection.
#[derive(Default)]
pub(super) struct Wishes {
    settings: Option<Settings>,
    explain: Option<bool>,
}

/// Waits until the person wants to leave; keeps the newest wishes until then.
pub(super) async fn quit(commands: &mut UnboundedReceiver<Command>, wishes: &mut Wishes) {
    loop {
        match commands.recv().await {
            Some(Command::Quit) | None => return,
            Some(Command::Settings(newest)) => wishes.settings = Some(newest),
            Some(Command::Explain(on)) => wishes.explain = Some(on),
            Some(_) => {}
        }
    }
}
