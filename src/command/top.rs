//! `panto top`: live figures of a running server, from two samples of its control socket.

use std::collections::{BTreeMap, VecDeque};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use panto_server::control::{Change, Request, Response, Status, ask};
use panto_server::frontend::ViewerInfo;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, RenderDirection, Row, Sparkline, Table, TableState};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::runtime;
use crate::cli::Top;
use crate::exit::{Exit, NoControl, Usage};
use crate::paths;

/// Shortest interval: more often, the asking itself would show in the server's CPU.
const MIN_INTERVAL: Duration = Duration::from_millis(100);

/// A server that has not answered for so long is gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// Rates kept for the sparkline, more than terminals are wide.
const HISTORY: usize = 512;

/// Kinds of commands named in a line.
const KINDS: usize = 3;

const HELP: &str = "q quit   up/down select   p pixels   c commands   h hybrid   a auto   k kick";

pub fn run(options: Top) -> anyhow::Result<Exit> {
    if options.interval < MIN_INTERVAL {
        bail!(Usage(format!("an interval of {:?} is too short; it is 100ms at least", options.interval)));
    }
    let path = options.socket.clone().unwrap_or_else(paths::control_socket);
    let runtime = runtime::start()?;
    let ended = runtime.block_on(async {
        // Signals are heard before the terminal is changed.
        let interruptions = runtime::Interruptions::listen()?;
        let first = sample(&path).await.map_err(|source| NoControl { path: path.clone(), source })?;
        let is_plain = options.once || options.json || !std::io::stdout().is_terminal();
        if is_plain {
            tokio::select! {
                ended = plain(&path, &options, first) => ended,
                () = interruptions.first() => Ok(Ended::Interrupted),
            }
        } else {
            live(&path, options.interval, first, interruptions).await
        }
    });
    // A thread still waits for keys.
    runtime.shutdown_background();
    match ended? {
        Ended::Done => Ok(Exit::Ok),
        Ended::Interrupted => Ok(Exit::Interrupted),
        Ended::ServerGone(error) => {
            eprintln!("panto: the server at {} has gone away: {error}", path.display());
            Ok(Exit::ConnectionLost)
        }
    }
}

/// How it ended, when nothing is wrong here.
enum Ended {
    Done,
    Interrupted,
    ServerGone(std::io::Error),
}

/// What the server said at one time.
struct Sample {
    at: Instant,
    status: Status,
    viewers: Vec<ViewerInfo>,
}

async fn sample(path: &Path) -> std::io::Result<Sample> {
    let unexpected =
        || std::io::Error::other("it answered something else than was asked; is it another version?");
    let Response::Status(status) = patiently(path, &Request::Status).await? else { return Err(unexpected()) };
    let Response::Viewers(viewers) = patiently(path, &Request::Viewers).await? else {
        return Err(unexpected());
    };
    Ok(Sample { at: Instant::now(), status, viewers })
}

async fn patiently(path: &Path, request: &Request) -> std::io::Result<Response> {
    tokio::time::timeout(PATIENCE, ask(path, request)).await.unwrap_or_else(|_| {
        let message = format!("no answer for {} s", PATIENCE.as_secs());
        Err(std::io::Error::new(std::io::ErrorKind::TimedOut, message))
    })
}

/// Figures of one interval, under METRICS.md's names.
#[derive(Debug, Clone, Default, Serialize)]
struct Refresh {
    #[serde(flatten)]
    status: Status,
    /// Length of the interval; `None` for the first sample.
    interval_s: Option<f64>,
    /// CPU of the server's process in the interval, % of one core.
    server_cpu_percent: Option<f64>,
    /// What the control socket says of each viewer, with its rates.
    each_viewer: Vec<Viewer>,
}

/// One viewer in one interval. Rates are `None` for one that has come during it.
#[derive(Debug, Clone, Default, Serialize)]
struct Viewer {
    #[serde(flatten)]
    info: ViewerInfo,
    #[serde(flatten)]
    rates: Option<Rates>,
}

/// Changes of a viewer's counters, a second.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
struct Rates {
    /// Mean of `bytes_down`, bit/s.
    down_bps: f64,
    /// Mean of `bytes_up`, bit/s.
    up_bps: f64,
    frames_per_s: f64,
    updates_per_s: f64,
    /// Share of each kind in the bytes of draw commands, 0 to 1, the largest first.
    payload_shares_by_kind: Vec<(String, f64)>,
}

impl Refresh {
    /// The figures between two samples. After a restart of the server the earlier one says nothing.
    fn between(earlier: Option<&Sample>, later: &Sample) -> Self {
        let earlier = earlier.filter(|earlier| earlier.status.uptime_s <= later.status.uptime_s);
        let seconds = earlier.map(|earlier| later.at.duration_since(earlier.at).as_secs_f64());
        let seconds = seconds.filter(|seconds| *seconds > 0.0);
        let cpu = earlier.zip(seconds).map(|(earlier, seconds)| {
            (later.status.server_cpu_s - earlier.status.server_cpu_s).max(0.0) / seconds * 100.0
        });
        let viewers = later.viewers.iter().map(|info| {
            let before = earlier.and_then(|earlier| earlier.viewers.iter().find(|v| v.id == info.id));
            let rates = before.zip(seconds).map(|(before, seconds)| Rates::between(before, info, seconds));
            Viewer { info: info.clone(), rates }
        });
        Self {
            status: later.status.clone(),
            interval_s: seconds,
            server_cpu_percent: cpu,
            each_viewer: viewers.collect(),
        }
    }
}

impl Rates {
    fn between(earlier: &ViewerInfo, later: &ViewerInfo, seconds: f64) -> Self {
        let rate = |earlier: u64, later: u64| later.saturating_sub(earlier) as f64 / seconds;
        let bytes = later.payload_bytes_by_kind.iter().map(|(kind, bytes)| {
            let before = earlier.payload_bytes_by_kind.get(kind).copied().unwrap_or(0);
            (kind.clone(), bytes.saturating_sub(before) as f64)
        });
        let mut shares: Vec<(String, f64)> = bytes.filter(|(_, bytes)| *bytes > 0.0).collect();
        let all: f64 = shares.iter().map(|(_, bytes)| bytes).sum();
        shares.iter_mut().for_each(|(_, bytes)| *bytes /= all);
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        Self {
            down_bps: 8.0 * rate(earlier.bytes_down, later.bytes_down),
            up_bps: 8.0 * rate(earlier.bytes_up, later.bytes_up),
            frames_per_s: rate(earlier.frames, later.frames),
            updates_per_s: rate(earlier.updates, later.updates),
            payload_shares_by_kind: shares,
        }
    }
}

/// A column of the table.
struct Column {
    name: &'static str,
    width: usize,
    /// Whether it stands at the left of its place, as texts do.
    is_text: bool,
    /// Columns with the largest are left out first where the terminal is narrow.
    rank: u8,
    cell: fn(&Viewer) -> String,
}

/// Columns in order. `rate_bps` and `rtt_ms` are METRICS.md's; rates and totals say their unit.
const COLUMNS: [Column; 14] = [
    Column { name: "id", width: 4, is_text: false, rank: 0, cell: |v| v.info.id.to_string() },
    Column { name: "name", width: 16, is_text: true, rank: 0, cell: |v| v.info.name.clone() },
    Column { name: "peer", width: 21, is_text: true, rank: 6, cell: |v| v.info.peer.clone() },
    Column { name: "mode", width: 8, is_text: true, rank: 0, cell: |v| v.info.mode.clone() },
    Column { name: "depth", width: 5, is_text: false, rank: 5, cell: |v| v.info.depth.to_string() },
    Column { name: "scale", width: 5, is_text: false, rank: 5, cell: |v| format!("1/{}", v.info.scale) },
    Column {
        name: "kbit/s down",
        width: 11,
        is_text: false,
        rank: 0,
        cell: |v| rate(v, |r| r.down_bps / 1e3),
    },
    Column { name: "kbit/s up", width: 9, is_text: false, rank: 2, cell: |v| rate(v, |r| r.up_bps / 1e3) },
    Column { name: "MB down", width: 8, is_text: false, rank: 2, cell: |v| megabytes(v.info.bytes_down) },
    Column { name: "frames/s", width: 8, is_text: false, rank: 1, cell: |v| rate(v, |r| r.frames_per_s) },
    Column { name: "updates/s", width: 9, is_text: false, rank: 3, cell: |v| rate(v, |r| r.updates_per_s) },
    Column { name: "rtt_ms", width: 7, is_text: false, rank: 1, cell: |v| number(v.info.rtt_ms) },
    Column { name: "rate_bps", width: 11, is_text: false, rank: 4, cell: |v| count(v.info.rate_bps) },
    Column { name: "kinds", width: 30, is_text: true, rank: 3, cell: kinds },
];

/// Spaces between columns.
const GAP: usize = 2;

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:.1}"))
}

fn count(value: Option<u64>) -> String {
    value.map_or_else(|| "-".into(), |value| value.to_string())
}

fn rate(viewer: &Viewer, of: fn(&Rates) -> f64) -> String {
    number(viewer.rates.as_ref().map(of))
}

fn megabytes(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / 1e6)
}

/// The largest kinds of commands in the interval.
fn kinds(viewer: &Viewer) -> String {
    let shares = viewer.rates.iter().flat_map(|rates| &rates.payload_shares_by_kind);
    let named: Vec<String> =
        shares.take(KINDS).map(|(kind, share)| format!("{kind} {:.0}%", share * 100.0)).collect();
    if named.is_empty() { "-".into() } else { named.join(" ") }
}

/// The columns that fit into so many letters.
fn columns_for(width: usize) -> Vec<&'static Column> {
    let mut columns: Vec<&Column> = COLUMNS.iter().collect();
    while columns.iter().map(|c| c.width + GAP).sum::<usize>() > width + GAP {
        // The last of the least important ones.
        let Some(rank) = columns.iter().map(|c| c.rank).max().filter(|rank| *rank > 0) else { break };
        let Some(at) = columns.iter().rposition(|c| c.rank == rank) else { break };
        columns.remove(at);
    }
    columns
}

/// A cell of exactly its column's width. Names come from viewers: nothing in them may steer the terminal.
fn padded(column: &Column, text: &str) -> String {
    let width = column.width;
    let mut text: String = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    if let Some((end, _)) = text.char_indices().nth(width - 1).filter(|_| text.chars().count() > width) {
        text.truncate(end);
        text.push('…');
    }
    if column.is_text { format!("{text:<width$}") } else { format!("{text:>width$}") }
}

fn summary(refresh: &Refresh) -> String {
    let Status { name, version, width, height, uptime_s, .. } = &refresh.status;
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    format!(
        "{name} (panto {version})   up {}   screen {width}x{height}   server cpu {} %   viewers {}",
        uptime(*uptime_s),
        number(refresh.server_cpu_percent),
        refresh.each_viewer.len()
    )
}

fn uptime(seconds: f64) -> String {
    let seconds = seconds as u64;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min {:02} s", seconds % 60),
        (1..24, _) => format!("{hours} h {minutes:02} min"),
        _ => format!("{} d {:02} h", hours / 24, hours % 24),
    }
}

/// The whole table, for files and pipes.
fn plain_table(refresh: &Refresh) -> String {
    let line = |cell: &dyn Fn(&Column) -> String| {
        let cells: Vec<String> = COLUMNS.iter().map(|column| padded(column, &cell(column))).collect();
        format!("{}\n", cells.join(&" ".repeat(GAP)).trim_end())
    };
    let mut text = summary(refresh) + "\n";
    if let Some(failure) = &refresh.status.failure {
        text += &format!("no picture: {failure}\n");
    }
    text += &line(&|column| column.name.to_owned());
    for viewer in &refresh.each_viewer {
        text += &line(&|column| (column.cell)(viewer));
    }
    text
}

/// Prints tables or JSON, once or until ended.
async fn plain(path: &Path, options: &Top, mut earlier: Sample) -> anyhow::Result<Ended> {
    let mut ticks = ticks(options.interval);
    loop {
        ticks.tick().await;
        let later = match sample(path).await {
            Ok(later) => later,
            Err(error) => return Ok(Ended::ServerGone(error)),
        };
        let refresh = Refresh::between(Some(&earlier), &later);
        let text = if options.json { serde_json::to_string(&refresh)? + "\n" } else { plain_table(&refresh) };
        let mut stdout = std::io::stdout();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => {}
            // Whoever read it has read enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Ended::Done),
            Err(error) => return Err(error).context("cannot write to stdout"),
        }
        if options.once || !options.json {
            return Ok(Ended::Done);
        }
        earlier = later;
    }
}

/// A tick an interval, the first after one.
fn ticks(interval: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + interval, interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks
}

/// Gives the terminal back however this ends; a panic does so before it is printed.
struct Restored;

impl Drop for Restored {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// The live view, until it is ended.
async fn live(
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

/// Samples, one an interval, until one fails.
fn sample_always(path: PathBuf, interval: Duration) -> mpsc::Receiver<std::io::Result<Sample>> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut ticks = ticks(interval);
        loop {
            ticks.tick().await;
            let sampled = sample(&path).await;
            let is_last = sampled.is_err();
            if sender.send(sampled).await.is_err() || is_last {
                return;
            }
        }
    });
    receiver
}

/// What a key asks for.
#[derive(Debug, PartialEq)]
enum Action {
    Quit,
    Ask(Request),
}

/// What is on the terminal.
#[derive(Default)]
struct Screen {
    refresh: Refresh,
    /// Number of the selected viewer, which is among those of `refresh` if there are any.
    selected: Option<u64>,
    /// The viewer to kick if the answer is yes.
    question: Option<u64>,
    /// What became of the last order.
    message: String,
    /// `down_bps` of each viewer, the newest first.
    history: BTreeMap<u64, VecDeque<u64>>,
    table: TableState,
}

impl Screen {
    fn show(&mut self, refresh: Refresh) {
        let is_here = |id: &u64| refresh.each_viewer.iter().any(|viewer| viewer.info.id == *id);
        self.history.retain(|id, _| is_here(id));
        for viewer in &refresh.each_viewer {
            let Some(rates) = &viewer.rates else { continue };
            let history = self.history.entry(viewer.info.id).or_default();
            history.push_front(rates.down_bps as u64);
            history.truncate(HISTORY);
        }
        self.question = self.question.filter(is_here);
        self.selected = self
            .selected
            .filter(is_here)
            .or_else(|| refresh.each_viewer.first().map(|viewer| viewer.info.id));
        self.refresh = refresh;
    }

    fn position(&self) -> Option<usize> {
        self.refresh.each_viewer.iter().position(|viewer| Some(viewer.info.id) == self.selected)
    }

    fn key(&mut self, key: KeyEvent) -> Option<Action> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return Some(Action::Quit);
        }
        if let Some(viewer) = self.question.take() {
            self.message.clear();
            return (key.code == KeyCode::Char('y')).then_some(Action::Ask(Request::Kick { viewer }));
        }
        let mode = match key.code {
            KeyCode::Char('q') => return Some(Action::Quit),
            KeyCode::Up | KeyCode::Down => {
                let step = if key.code == KeyCode::Up { -1 } else { 1 };
                let next = self.position().and_then(|at| at.checked_add_signed(step));
                let next = next.and_then(|at| self.refresh.each_viewer.get(at));
                self.selected = next.map(|viewer| viewer.info.id).or(self.selected);
                return None;
            }
            KeyCode::Char('k') => {
                self.question = self.selected;
                return None;
            }
            KeyCode::Char('p') => "pixels",
            KeyCode::Char('c') => "commands",
            KeyCode::Char('h') => "hybrid",
            KeyCode::Char('a') => "auto",
            _ => return None,
        };
        let viewer = Some(self.selected?);
        let change = Change { mode: Some(mode.to_owned()), ..Change::default() };
        Some(Action::Ask(Request::Set { viewer, change }))
    }

    fn answered(&mut self, request: &Request, response: Response) {
        self.message = match (request, response) {
            (_, Response::Error(reason)) => reason,
            (Request::Kick { viewer }, _) => format!("viewer {viewer} was kicked"),
            (Request::Set { viewer: Some(viewer), change: Change { mode: Some(mode), .. } }, _) => {
                format!("viewer {viewer} gets {mode} from now on")
            }
            _ => String::new(),
        };
    }

    fn footer(&self) -> String {
        match self.question {
            Some(viewer) => format!("end the connection of viewer {viewer}? y/n"),
            None if self.message.is_empty() => HELP.to_owned(),
            None => format!("{}   ({HELP})", self.message),
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>) {
        let failure = self.refresh.status.failure.as_ref().map(|failure| format!("no picture: {failure}"));
        let heights = [
            Constraint::Length(1),
            Constraint::Length(u16::from(failure.is_some())),
            Constraint::Length(1),
            // The table's head and lines; half of the rest if there are more.
            Constraint::Max(
                u16::try_from(self.refresh.each_viewer.len()).unwrap_or(u16::MAX).saturating_add(1),
            ),
            Constraint::Length(1),
            Constraint::Fill(1),
            Constraint::Length(1),
        ];
        let [head, problem, _, table, _, rates, foot] = Layout::vertical(heights).areas(frame.area());
        frame.render_widget(Line::styled(summary(&self.refresh), Modifier::BOLD), head);
        if let Some(failure) = failure {
            frame.render_widget(Line::raw(failure), problem);
        }
        self.draw_table(frame, table);
        if self.refresh.each_viewer.is_empty() {
            frame.render_widget(Paragraph::new("no viewer is connected"), rates);
        }
        self.draw_rates(frame, rates);
        frame.render_widget(Line::styled(self.footer(), Modifier::DIM), foot);
    }

    fn draw_table(&mut self, frame: &mut Frame<'_>, area: Rect) {
        let columns = columns_for(area.width.into());
        let row = |cell: &dyn Fn(&Column) -> String| {
            Row::new(columns.iter().map(|column| padded(column, &cell(column))).collect::<Vec<_>>())
        };
        let rows: Vec<Row<'_>> =
            self.refresh.each_viewer.iter().map(|viewer| row(&|column| (column.cell)(viewer))).collect();
        let widths = columns.iter().map(|column| Constraint::Length(column.width as u16));
        let table = Table::new(rows, widths)
            .header(row(&|column| column.name.to_owned()).style(Modifier::UNDERLINED))
            .column_spacing(GAP as u16)
            .row_highlight_style(Modifier::REVERSED);
        self.table.select(self.position());
        frame.render_stateful_widget(table, area, &mut self.table);
    }

    /// A line for each viewer: its rates so far, the newest at the right.
    fn draw_rates(&self, frame: &mut Frame<'_>, area: Rect) {
        // As many as there is room for, the selected one among them.
        let skipped = self.position().unwrap_or(0).saturating_sub(usize::from(area.height).saturating_sub(1));
        for (viewer, y) in self.refresh.each_viewer.iter().skip(skipped).zip(area.top()..area.bottom()) {
            let line = Rect { y, height: 1, ..area };
            let widths = [Constraint::Length(24), Constraint::Fill(1), Constraint::Length(22)];
            let [name, graph, peak] = Layout::horizontal(widths).areas(line);
            let empty = VecDeque::new();
            let history = self.history.get(&viewer.info.id).unwrap_or(&empty);
            let shown = history.iter().take(graph.width.into());
            let largest = shown.clone().max().copied().unwrap_or(0);
            let label = [&COLUMNS[0], &COLUMNS[1]].map(|column| padded(column, &(column.cell)(viewer)));
            frame.render_widget(Line::raw(label.join(" ")), name);
            let sparkline = Sparkline::default()
                .data(shown)
                .direction(RenderDirection::RightToLeft)
                .style(Style::default())
                .max(largest.max(1));
            frame.render_widget(sparkline, graph);
            let scale = format!(" max {:.1} kbit/s", largest as f64 / 1e3);
            frame.render_widget(Line::raw(scale), peak);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn viewer(id: u64, bytes_down: u64) -> ViewerInfo {
        ViewerInfo {
            id,
            name: format!("viewer {id}"),
            peer: "127.0.0.1:5000".into(),
            mode: "hybrid".into(),
            depth: 24,
            scale: 1,
            bytes_down,
            bytes_up: bytes_down / 100,
            frames: bytes_down / 1000,
            updates: bytes_down / 100,
            payload_bytes_by_kind: BTreeMap::from([
                ("Fill".into(), bytes_down / 4),
                ("PutPixels".into(), bytes_down / 2),
                ("GlyphRun".into(), 7),
            ]),
            rtt_ms: Some(12.34),
            rate_bps: None,
            ..ViewerInfo::default()
        }
    }

    /// Samples at 0 s and 2 s: viewer 1 goes, viewer 2 stays and viewer 3 comes.
    fn samples() -> [Sample; 2] {
        let at = Instant::now();
        let status = |uptime_s, server_cpu_s| Status {
            name: "here".into(),
            version: "1.2.3".into(),
            uptime_s,
            server_cpu_s,
            width: 1280,
            height: 800,
            viewers: 2,
            ..Status::default()
        };
        [
            Sample { at, status: status(100.0, 1.0), viewers: vec![viewer(1, 500), viewer(2, 1000)] },
            Sample {
                at: at + Duration::from_secs(2),
                status: status(102.0, 1.5),
                viewers: vec![viewer(2, 9000), viewer(3, 4000)],
            },
        ]
    }

    fn refresh() -> Refresh {
        let [earlier, later] = samples();
        Refresh::between(Some(&earlier), &later)
    }

    fn drawn(screen: &mut Screen, width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| screen.draw(frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..height).map(|y| row(y).trim_end().to_owned()).collect()
    }

    fn press(screen: &mut Screen, code: KeyCode) -> Option<Action> {
        screen.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn rates_are_differences_over_time() {
        let refresh = refresh();
        assert_eq!((refresh.interval_s, refresh.server_cpu_percent), (Some(2.0), Some(25.0)));
        let [stayed, came] = &refresh.each_viewer[..] else { panic!("{refresh:?}") };
        let expected = Rates {
            down_bps: 32_000.0,
            up_bps: 320.0,
            frames_per_s: 4.0,
            updates_per_s: 40.0,
            payload_shares_by_kind: vec![
                ("PutPixels".into(), 4000.0 / 6000.0),
                ("Fill".into(), 2000.0 / 6000.0),
            ],
        };
        assert_eq!(stayed.rates.as_ref(), Some(&expected));
        assert_eq!(kinds(stayed), "PutPixels 67% Fill 33%");
        assert_eq!(came.rates, None, "nothing is known of the time before it came");
    }

    #[test]
    fn a_restarted_server_has_no_rates_yet() {
        let [mut earlier, later] = samples();
        earlier.status.uptime_s = 5000.0;
        let refresh = Refresh::between(Some(&earlier), &later);
        assert_eq!((refresh.interval_s, refresh.server_cpu_percent), (None, None));
        assert!(refresh.each_viewer.iter().all(|viewer| viewer.rates.is_none()));
    }

    #[test]
    fn plain_output() {
        let mut refresh = refresh();
        refresh.each_viewer[1].info.name = "\x1b[31mred\u{9b} and far too long".into();
        let text = plain_table(&refresh);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "here (panto 1.2.3)   up 1 min 42 s   screen 1280x800   server cpu 25.0 %   viewers 2"
        );
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
        assert_eq!(
            words(lines[1]),
            "id name peer mode depth scale kbit/s down kbit/s up MB down frames/s updates/s rtt_ms rate_bps kinds"
        );
        assert_eq!(
            words(lines[2]),
            "2 viewer 2 127.0.0.1:5000 hybrid 24 1/1 32.0 0.3 0.01 4.0 40.0 12.3 - PutPixels 67% Fill 33%"
        );
        assert_eq!(words(lines[3]), "3 ?[31mred? and f… 127.0.0.1:5000 hybrid 24 1/1 - - 0.00 - - 12.3 - -");
        let json = serde_json::to_value(&refresh).unwrap();
        assert_eq!(json["each_viewer"][0]["down_bps"], 32_000.0);
        assert_eq!(json["each_viewer"][0]["bytes_down"], 9000);
        assert_eq!(json["server_cpu_percent"], 25.0);
        let written = serde_json::to_string(&refresh).unwrap();
        assert_eq!(written.matches("\"viewers\"").count(), 1, "{written}");
    }

    #[test]
    fn narrow_terminals_show_what_matters_most() {
        let names = |width| columns_for(width).iter().map(|column| column.name).collect::<Vec<_>>();
        assert_eq!(names(400).len(), COLUMNS.len());
        assert_eq!(names(80), ["id", "name", "mode", "kbit/s down", "kbit/s up", "frames/s", "rtt_ms"]);
        assert_eq!(names(10), ["id", "name", "mode", "kbit/s down"]);
        for width in 47..400 {
            let used: usize = columns_for(width).iter().map(|column| column.width + GAP).sum();
            assert!(used <= width + GAP, "{used} letters do not fit into {width}");
        }
    }

    #[test]
    fn keys_steer_the_selected_viewer() {
        let mut screen = Screen::default();
        assert_eq!(press(&mut screen, KeyCode::Char('p')), None, "there is nobody to steer");
        screen.show(refresh());
        let mode = |viewer, mode: &str| {
            let change = Change { mode: Some(mode.into()), ..Change::default() };
            Some(Action::Ask(Request::Set { viewer: Some(viewer), change }))
        };
        assert_eq!(press(&mut screen, KeyCode::Char('p')), mode(2, "pixels"));
        for _ in 0..3 {
            assert_eq!(press(&mut screen, KeyCode::Down), None);
        }
        assert_eq!(press(&mut screen, KeyCode::Char('c')), mode(3, "commands"));
        assert_eq!(press(&mut screen, KeyCode::Char('h')), mode(3, "hybrid"));
        press(&mut screen, KeyCode::Up);
        assert_eq!(press(&mut screen, KeyCode::Char('a')), mode(2, "auto"));
        assert_eq!(press(&mut screen, KeyCode::Char('q')), Some(Action::Quit));
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(screen.key(interrupt), Some(Action::Quit));
    }

    #[test]
    fn kicking_asks_first() {
        let mut screen = Screen::default();
        screen.show(refresh());
        assert_eq!(press(&mut screen, KeyCode::Char('k')), None);
        assert_eq!(drawn(&mut screen, 100, 12)[11], "end the connection of viewer 2? y/n");
        assert_eq!(press(&mut screen, KeyCode::Char('n')), None);
        assert_eq!(press(&mut screen, KeyCode::Char('y')), None, "the question was answered");
        press(&mut screen, KeyCode::Char('k'));
        let kick = Request::Kick { viewer: 2 };
        assert_eq!(press(&mut screen, KeyCode::Char('y')), Some(Action::Ask(kick.clone())));
        screen.answered(&kick, Response::Reached(1));
        assert!(drawn(&mut screen, 100, 12)[11].starts_with("viewer 2 was kicked   (q quit"));
        // A viewer that goes takes the question with it.
        press(&mut screen, KeyCode::Char('k'));
        screen.show(Refresh::default());
        assert_eq!((screen.question, screen.selected), (None, None));
    }

    #[test]
    fn the_screen_shows_viewers_and_their_rates() {
        let mut screen = Screen::default();
        screen.show(refresh());
        screen.show(refresh());
        let lines = drawn(&mut screen, 200, 14);
        assert!(lines[0].starts_with("here (panto 1.2.3)   up 1 min 42 s"), "{lines:#?}");
        assert!(lines[2].contains("kbit/s down"), "{lines:#?}");
        assert!(lines[3].contains("PutPixels 67% Fill 33%"), "{lines:#?}");
        assert!(
            lines[6].starts_with("   2 viewer 2") && lines[6].contains("██ max 32.0 kbit/s"),
            "{lines:#?}"
        );
        assert!(lines[13].starts_with("q quit"), "{lines:#?}");
        screen.show(Refresh::default());
        assert!(drawn(&mut screen, 200, 14).contains(&"no viewer is connected".to_owned()));
        // A terminal of any size is drawn without a panic.
        for (width, height) in [(1, 1), (5, 3), (30, 4)] {
            screen.show(refresh());
            assert_eq!(drawn(&mut screen, width, height).len(), usize::from(height));
        }
    }

    #[test]
    fn uptimes() {
        let texts = [5.9, 65.0, 3600.0 * 2.5, 3600.0 * 50.0].map(uptime);
        assert_eq!(texts, ["5 s", "1 min 05 s", "2 h 30 min", "2 d 02 h"]);
    }
}
