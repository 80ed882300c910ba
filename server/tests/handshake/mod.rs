//! How a viewer and a session find each other, without a wire between them.

use panto_protocol::connection::{ClientConfig, ClientConnection, ServerConnection, ServerEvent, Unpainted};
use panto_protocol::message::{ResumeTicket, Rights, Settings, VERSION, Welcome};
use panto_protocol::time::Micros;
use panto_server::scene::Scene;

/// A viewer's end, and what it says first.
pub fn knock(settings: Settings, resume: Option<ResumeTicket>, now: Micros) -> (ClientConnection, Vec<u8>) {
    let mut client = ClientConnection::new(ClientConfig { settings, resume, ..ClientConfig::default() }, now);
    let mut hello = Vec::new();
    client.poll_transmit(&mut hello, usize::MAX);
    (client, hello)
}

/// The session's end, which takes that and lets the viewer in. `resumed`: how many frames the
/// viewer has painted, and those that it has not.
pub fn welcome(
    hello: &[u8],
    scene: &Scene,
    settings: Settings,
    resumed: Option<(u64, Vec<Unpainted>)>,
    now: Micros,
) -> ServerConnection {
    let mut server = ServerConnection::new(now);
    server.feed(hello, now).expect("a hello");
    assert!(matches!(server.poll(), Some(ServerEvent::Hello(_))));
    let welcome = Welcome {
        version: VERSION,
        name: "room".into(),
        rights: Rights::Control,
        resume_secret: [0; 16],
        resumed: resumed.is_some(),
        can_resize: false,
        outputs: scene.outputs().to_vec(),
        settings,
        screen: scene.size(),
    };
    let (painted, unpainted) = resumed.unwrap_or_default();
    server.welcome(welcome, painted, unpainted, now);
    server
}
