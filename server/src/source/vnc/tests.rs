//! A gateway in front of a server that the test plays.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use panto_protocol::draw::DrawCommand;
use panto_protocol::geometry::{Point, Rect};
use panto_protocol::pixel::Picture;
use panto_protocol::rfb::{
    ClientMessage, EncodingId, RectHeader, Screen, ServerMessage, encode_rect_count, encode_screens,
};
use panto_protocol::wire::{DecodeError, Reader, Writer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{sleep, timeout};

use super::*;
use crate::scene::Since;

const SIZE: Size = Size::new(20, 10);
const ALL: Rect = Rect::new(0, 0, 20, 10);

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Long enough for what should not come.
const A_WHILE: Duration = Duration::from_millis(100);

/// What comes of each attempt to connect, and where the server's ends go.
struct Door {
    attempts: VecDeque<Result<(), io::ErrorKind>>,
    servers: mpsc::UnboundedSender<DuplexStream>,
}

impl VncConnect for Door {
    type Error = io::Error;

    async fn connect(&mut self) -> Result<VncOpened, io::Error> {
        self.attempts.pop_front().unwrap_or(Ok(()))?;
        let (near, far) = duplex(1 << 16);
        let _ = self.servers.send(far);
        let init = ServerInit { size: SIZE, name: "played".into() };
        Ok(VncOpened { stream: Stream::from_io(near), init, said: Vec::new() })
    }

    fn is_retryable(error: &io::Error) -> bool {
        error.kind() == io::ErrorKind::ConnectionRefused
    }
}

/// The server's end of a connection.
struct Played {
    stream: DuplexStream,
    bytes: Vec<u8>,
}

impl Played {
    async fn of(servers: &mut mpsc::UnboundedReceiver<DuplexStream>) -> Self {
        let stream = timeout(PATIENCE, servers.recv()).await.expect("a connection").expect("a door");
        Self { stream, bytes: Vec::new() }
    }

    /// What the gateway says next.
    async fn hear(&mut self) -> ClientMessage {
        loop {
            let mut r = Reader::new(&self.bytes);
            match ClientMessage::decode(&mut r) {
                Ok(message) => {
                    self.bytes = r.rest().to_vec();
                    return message;
                }
                Err(DecodeError::TooShort { .. }) => {}
                Err(error) => panic!("{error}"),
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.bytes)).await;
            assert!(read.expect("it says something").expect("it is there") > 0, "it has gone");
        }
    }

    /// It says nothing.
    async fn silence(&mut self) {
        assert!(timeout(A_WHILE, self.hear()).await.is_err(), "{:?}", self.bytes);
    }

    /// Its first words, up to the question what the server can do.
    async fn greeted(&mut self) {
        assert!(matches!(self.hear().await, ClientMessage::SetPixelFormat(_)));
        let ClientMessage::SetEncodings(all) = self.hear().await else { panic!("no encodings") };
        assert!(!all.iter().any(|e| (-32..=-23).contains(&e.0)), "JPEG was asked for: {all:?}");
        assert_eq!(self.hear().await, ask(false, Rect::new(0, 0, 1, 1)));
    }

    async fn say(&mut self, bytes: Writer) {
        self.stream.write_all(bytes.as_slice()).await.expect("it reads");
    }

    /// The answer to that question.
    async fn can_resize(&mut self) {
        let mut w = Writer::default();
        encode_rect_count(1, &mut w);
        RectHeader { rect: ALL, encoding: EncodingId::EXTENDED_DESKTOP_SIZE }.encode(&mut w);
        encode_screens(&[Screen { id: 1, rect: ALL, flags: 0 }], &mut w);
        self.say(w).await;
    }
}

fn ask(incremental: bool, rect: Rect) -> ClientMessage {
    ClientMessage::UpdateRequest { incremental, rect }
}

fn pixels(w: &mut Writer, rect: Rect, color: u32) {
    RectHeader { rect, encoding: EncodingId::RAW }.encode(w);
    (0..rect.area()).for_each(|_| w.raw(&color.to_le_bytes()));
}

/// An update of one colour.
fn filled(color: u32) -> Writer {
    let mut w = Writer::default();
    encode_rect_count(1, &mut w);
    pixels(&mut w, ALL, color);
    w
}

/// A gateway behind this door, and what the server's end hears.
async fn gateway(
    attempts: impl IntoIterator<Item = Result<(), io::ErrorKind>>,
) -> (VncSource, Arc<SharedScene>, Played, mpsc::UnboundedReceiver<DuplexStream>) {
    let (servers, mut played) = mpsc::unbounded_channel();
    let door = Door { attempts: attempts.into_iter().collect(), servers };
    let starting = tokio::spawn(VncSource::start(door));
    let mut server = Played::of(&mut played).await;
    server.greeted().await;
    server.can_resize().await;
    let (source, scene) = starting.await.unwrap().expect("it starts");
    (source, scene, server, played)
}

async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let all = async {
        while !condition() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(timeout(PATIENCE, all).await.is_ok(), "never happened: {what}");
}

fn shows(scene: &SharedScene, color: u32) -> bool {
    *scene.lock().flat() == Picture::new(SIZE, color)
}

#[tokio::test]
async fn nothing_is_asked_for_while_nobody_views() {
    let (source, scene, mut server, _played) = gateway([]).await;
    assert_eq!((source.name(), source.can_resize()), ("played", true));
    server.silence().await;
    assert!(scene.is_stale());
    for color in [1, 2] {
        let viewing = scene.view();
        assert_eq!(server.hear().await, ask(false, ALL));
        // A part is no picture yet.
        let mut w = Writer::default();
        encode_rect_count(1, &mut w);
        pixels(&mut w, Rect::new(0, 0, 20, 9), 9);
        server.say(w).await;
        assert_eq!(server.hear().await, ask(true, ALL));
        sleep(A_WHILE).await;
        assert!(scene.is_stale());
        server.say(filled(color)).await;
        assert_eq!(server.hear().await, ask(true, ALL));
        eventually("the whole has come", || !scene.is_stale()).await;
        assert!(shows(&scene, color));
        drop(viewing);
        eventually("it rests", || scene.is_stale()).await;
        // What was asked for before may still come, and nothing more is asked for.
        server.say(filled(8)).await;
        eventually("it is there", || shows(&scene, 8)).await;
        server.silence().await;
        assert!(scene.is_stale());
    }
}

#[tokio::test]
async fn an_update_is_seen_as_a_whole_and_copies_are_copies() {
    let (_source, scene, mut server, _played) = gateway([]).await;
    let _viewing = scene.view();
    server.say(filled(1)).await;
    eventually("the first picture", || shows(&scene, 1)).await;
    let (position, mut changed) = (scene.lock().position(), scene.subscribe());
    changed.borrow_and_update();
    let mut w = Writer::default();
    encode_rect_count(2, &mut w);
    pixels(&mut w, Rect::new(0, 0, 5, 5), 7);
    server.say(w).await;
    sleep(A_WHILE).await;
    assert!(!changed.has_changed().unwrap() && shows(&scene, 1));
    let mut w = Writer::default();
    RectHeader { rect: Rect::new(10, 5, 5, 5), encoding: EncodingId::COPY_RECT }.encode(&mut w);
    w.raw(&[0, 0, 0, 0]);
    server.say(w).await;
    eventually("the update", || changed.has_changed().unwrap()).await;
    let scene = scene.lock();
    let Since::Changes(changes) = scene.since(position) else { panic!("too many changes") };
    let commands: Vec<_> = changes.map(|change| change.command.as_deref()).collect();
    let [None, Some(DrawCommand::Copy(copy))] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!((copy.items[0].rect, copy.items[0].to), (Rect::new(0, 0, 5, 5), Point::new(10, 5)));
    assert_eq!(
        [(0, 0), (14, 9), (9, 9)].map(|(x, y)| scene.flat().pixel(Point::new(x, y)).unwrap()),
        [7, 7, 1]
    );
}

#[tokio::test]
async fn an_update_without_end_is_not_kept_back() {
    let (_source, scene, mut server, _played) = gateway([]).await;
    let _viewing = scene.view();
    let mut w = Writer::default();
    encode_rect_count(u16::MAX, &mut w);
    server.say(w).await;
    let mut w = Writer::default();
    for _ in 0..10_000 {
        pixels(&mut w, Rect::new(3, 3, 1, 1), 5);
    }
    server.say(w).await;
    eventually("some of it", || scene.lock().flat().pixel(Point::new(3, 3)) == Some(5)).await;
}

#[tokio::test]
async fn what_viewers_do_is_said_and_let_go_at_the_end() {
    let (source, scene, mut server, _played) = gateway([]).await;
    let key = |keysym, down| InputEvent::Key { physical: 0, keysym, down, text: String::new() };
    let position = Point::new(3, 4);
    for event in [
        InputEvent::Pointer { position },
        InputEvent::Button { button: 1, down: true },
        key(0x61, true),
        key(0x61, false),
        InputEvent::Key { physical: 42, keysym: 0xffe1, down: true, text: String::new() },
    ] {
        source.input(&event);
    }
    let at = |buttons| ClientMessage::Pointer { buttons, x: 3, y: 4 };
    let typed = |keysym, down| ClientMessage::Key { keysym, down };
    for said in [at(0), at(1), typed(0x61, true), typed(0x61, false), typed(0xffe1, true)] {
        assert_eq!(server.hear().await, said);
    }
    assert_eq!(scene.lock().pointer(), position);
    source.desk().expect("a desk").copy("text");
    assert_eq!(server.hear().await, ClientMessage::CutText(b"text".to_vec()));
    source.resize(Size::new(30, 20)).expect("it can");
    assert!(matches!(
        server.hear().await,
        ClientMessage::SetDesktopSize { size: Size { width: 30, .. }, .. }
    ));
    let mut w = Writer::default();
    ServerMessage::Bell.encode(&mut w);
    ServerMessage::CutText(b"there".to_vec()).encode(&mut w);
    server.say(w).await;
    let desk = source.desk().unwrap().subscribe();
    eventually("clipboard and bell", || {
        let state = desk.borrow();
        state.bells == 1 && state.text.as_deref() == Some("there")
    })
    .await;
    let ending = tokio::task::spawn_blocking(|| drop(source));
    assert_eq!(server.hear().await, typed(0xffe1, false));
    assert_eq!(server.hear().await, at(0));
    drop(server);
    ending.await.unwrap();
}

#[tokio::test]
async fn it_comes_back_until_it_is_refused() {
    let refused = Err(io::ErrorKind::ConnectionRefused);
    let attempts = [Ok(()), refused, Ok(()), refused, Err(io::ErrorKind::PermissionDenied)];
    let (source, scene, mut server, mut played) = gateway(attempts).await;
    let _viewing = scene.view();
    assert_eq!(server.hear().await, ask(false, ALL));
    server.say(filled(1)).await;
    eventually("a picture", || !scene.is_stale()).await;
    drop(server);
    // Not meant for whoever comes next.
    source.input(&InputEvent::Button { button: 1, down: true });
    let mut server = Played::of(&mut played).await;
    server.greeted().await;
    assert!(shows(&scene, 1) && !scene.is_stale(), "the last picture stays");
    assert_eq!(server.hear().await, ask(false, ALL));
    server.say(filled(2)).await;
    eventually("the next picture", || shows(&scene, 2)).await;
    assert_eq!(source.failure(), None);
    drop(server);
    eventually("a refusal", || source.failure().is_some()).await;
    assert!(source.failure().unwrap().contains("permission denied"), "{:?}", source.failure());
}

#[tokio::test]
async fn a_server_that_cannot_be_had_is_no_source() {
    let (servers, _played) = mpsc::unbounded_channel();
    let attempts = [Err(io::ErrorKind::ConnectionRefused)].into();
    let result = VncSource::start(Door { attempts, servers }).await;
    assert!(matches!(result, Err(VncSourceError::Connect(_))));
    // One that speaks something else is none either.
    let (servers, mut played) = mpsc::unbounded_channel();
    let starting = tokio::spawn(VncSource::start(Door { attempts: VecDeque::new(), servers }));
    let mut server = Played::of(&mut played).await;
    let mut w = Writer::default();
    w.raw(&[99; 100]);
    server.say(w).await;
    assert!(matches!(starting.await.unwrap(), Err(VncSourceError::Protocol(_))));
}

#[tokio::test]
async fn a_server_that_reads_nothing_is_left() {
    let (source, _scene, server, mut played) = gateway([]).await;
    // More than the pipe and the queue hold.
    let full = async {
        while played.is_empty() {
            source.input(&InputEvent::Pointer { position: Point::new(3, 3) });
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, full).await.expect("another connection");
    Played::of(&mut played).await.greeted().await;
    drop(server);
}
