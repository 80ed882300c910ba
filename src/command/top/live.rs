//! The live view's loop: samples, keys and signals as they come.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use ratatui::crossterm::event::{self, Event};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::Ended;
use super::keys::Action;
use super::rates::Refresh;
use super::sample::{Sample, patiently, sample_always};
use super::screen::Screen;
use crate::command::runtime;

/// The live view, until it is ended.
pub(super) async fn run(
    path: &Path,
    interval: Duration,
    first: Sample,
    interruptions: runtime::Interruptions,
) -> anyhow::Result<Ended> {
    let mut samples = sample_always(path.to_owned(), interval);
    // Without these two, the terminal would be left as it is now.
    let mut hung_up = signal(SignalKind::hangup())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut interrupted = std::pin::pin!(interruptions.first());
    let restored = Restored;
    let mut terminal = ratatui::try_init().context("cannot take over the terminal; use --once")?;
    let mut events = listen_to_terminal();
    let mut screen = Screen::default();
    screen.show(Refresh::between(None, &first));
    let mut earlier = first;
    let ended = loop {
        terminal.draw(|frame| screen.draw(frame)).context("cannot draw on the terminal")?;
        tokio::select! {
            () = &mut interrupted => break Ended::Interrupted,
            _ = hung_up.recv() => break Ended::Interrupted,
            _ = quit.recv() => break Ended::Interrupted,
            sampled = samples.recv() => match sampled {
                Some(Ok(later)) => {
                    screen.show(Refresh::between(Some(&earlier), &later));
                    earlier = later;
                }
                Some(Err(error)) => break Ended::ServerGone(error),
                None => break Ended::Done,
            },
            event = events.recv() => match event {
                Some(Ok(Event::Key(key))) => match screen.key(key) {
                    Some(Action::Quit) => break Ended::Done,
                    Some(Action::Ask(request)) => match patiently(path, &request).await {
                        Ok(response) => screen.answered(&request, response),
                        Err(error) => break Ended::ServerGone(error),
                    },
                    None => {}
                },
                // A new size is drawn as everything else.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error).context("cannot read keys from the terminal"),
                None => break Ended::Done,
            },
        }
    };
    drop(restored);
    Ok(ended)
}

/// Gives the terminal back however this ends; a panic does so before it is printed.
struct Restored;

impl Drop for Restored {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Events of the terminal, from a thread of their own: reading them blocks.
fn listen_to_terminal() -> mpsc::UnboundedReceiver<std::io::Result<Event>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        loop {
            let event = event::read();
            let is_last = event.is_err();
            if sender.send(event).is_err() || is_last {
                return;
            }
        }
    });
    receiver
}
