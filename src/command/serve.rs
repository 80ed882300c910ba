//! `panto serve`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use panto_protocol::message::Rights;
use panto_server::control::Control;
use panto_server::frontend::{AuthPolicy, Server, ServerConfig};
use panto_server::scene::SharedScene;
use panto_server::source::{DemoSource, Pace, ReplaySource, Source, X11Source};
use panto_server::virtual_display::VirtualDisplay;
use panto_transport::{
    CredentialStore, Identity, ListenAddress, ListenError, Listener, LocalAddr, ServerRsaAes, ServerTls,
    Target, Ticket, check_auth_none, data_dir,
};
use serde::Serialize;
use zeroize::Zeroizing;

use super::web::Browsers;
use super::{gateway, runtime, view};
use crate::cli::{Auth, Serve, Serving};
use crate::exit::{Exit, Usage};
use crate::paths;
use crate::prompt::private_password;

/// A printed ticket is good for this long.
const TICKET_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// RFB's own port.
const RFB_PORT: u16 = 5900;

/// Where browsers are used to find noVNC.
const WEB_PORT: u16 = 6080;

/// Where a server listens, for `--json`.
#[derive(Serialize)]
struct Listening {
    addresses: Vec<String>,
    rfb: Vec<String>,
    web: Vec<String>,
    /// Pages to open; where a proof is asked for, with a ticket that is good for one of them.
    links: Vec<String>,
    /// SHA-256 of the certificate, as browsers show it, where they speak HTTPS.
    certificate: Option<String>,
    display: Option<String>,
    fingerprint: Option<String>,
    ticket: Option<String>,
    socket: PathBuf,
}

pub fn run(options: Serve) -> anyhow::Result<Exit> {
    if options.virtual_size.is_none() && !options.command.is_empty() {
        return Err(Usage("a command needs a screen of its own: --virtual WxH -- COMMAND".into()).into());
    }
    let terminal =
        options.gateway.source.as_ref().and_then(|_| rustix::termios::tcgetattr(std::io::stdin()).ok());
    let result = run_with(&options.serving, async || source(&options).await);
    if let Some(terminal) = terminal {
        view::restore_echo(&terminal);
    }
    result
}

/// Serves what `source` starts, once the address is had: when that is taken, no display
/// need be started for nothing.
pub(super) fn run_with(
    options: &Serving,
    source: impl AsyncFnOnce() -> anyhow::Result<Started>,
) -> anyhow::Result<Exit> {
    let addresses = match &options.addresses[..] {
        [] => vec![ListenAddress::default()],
        some => some.iter().map(|a| a.parse()).collect::<Result<Vec<ListenAddress>, _>>()?,
    };
    let rfb = options.rfb.iter().map(|a| ListenAddress::parse(a, RFB_PORT)).collect::<Result<Vec<_>, _>>()?;
    let web = options.web.iter().map(|a| ListenAddress::parse(a, WEB_PORT)).collect::<Result<Vec<_>, _>>()?;
    if web.iter().any(|address| matches!(address, ListenAddress::Unix(_))) {
        return Err(Usage("browsers open no Unix sockets; give --web a port of this machine".into()).into());
    }
    if options.auth == Auth::None {
        check_auth_none(&addresses)?;
        check_auth_none(&rfb)?;
        check_auth_none(&web)?;
    }
    let listens = Listens { native: addresses, rfb, web };
    runtime::start()?.block_on(serve(options, listens, source))
}

/// Where each kind of viewer is expected.
struct Listens {
    native: Vec<ListenAddress>,
    rfb: Vec<ListenAddress>,
    web: Vec<ListenAddress>,
}

async fn serve(
    options: &Serving,
    listens: Listens,
    source: impl AsyncFnOnce() -> anyhow::Result<Started>,
) -> anyhow::Result<Exit> {
    let mut interrupted = std::pin::pin!(runtime::Interruptions::listen()?.first());
    let listener = Listener::bind(&listens.native).await?;
    let rfb = if listens.rfb.is_empty() { None } else { Some(Listener::bind(&listens.rfb).await?) };
    let web = if listens.web.is_empty() { None } else { Some(Listener::bind(&listens.web).await?) };
    let Started { virtual_display, source, scene, name } = tokio::select! {
        started = source() => started?,
        () = &mut interrupted => return Ok(Exit::Interrupted),
    };
    let (identity, tls, rsa_aes) = match options.auth {
        Auth::None => (None, None, None),
        Auth::Password => {
            let dir = match &options.key_dir {
                Some(dir) => dir.clone(),
                None => data_dir()?,
            };
            let identity = Identity::load_or_create(&dir)?;
            let tls = ServerTls::new(&identity)?;
            (Some(identity), Some(tls), Some(ServerRsaAes::at(dir)))
        }
    };
    let browsers = web.map(|web| Browsers::new(options, web, identity.as_ref())).transpose()?;
    let listeners = [Some(&listener), rfb.as_ref(), browsers.as_ref().map(|b| &b.listener)];
    let is_unix = |l: &Listener| l.local_addrs().iter().all(|a| matches!(a, LocalAddr::Unix(_)));
    let only_unix = listeners.into_iter().flatten().all(is_unix);
    let passwords = match &options.password_db {
        Some(path) => CredentialStore::at(path),
        None => CredentialStore::of_user()?,
    };
    // Over a Unix socket nobody is asked for one.
    let ticket = if only_unix { None } else { new_ticket(options)? };
    let web_ticket = if browsers.is_some() { new_ticket(options)? } else { None };
    if options.auth == Auth::Password {
        // Read even where a ticket will do: what is wrong with the file is better said now
        // than to everyone who knocks.
        let nobody = passwords.list()?.is_empty();
        if nobody && ticket.is_none() && !only_unix {
            let why = "nobody could come in: set a password first (panto passwd), or leave out --no-ticket";
            return Err(Usage(why.into()).into());
        }
    }
    let [ticket_text, web_text] = [&ticket, &web_ticket].map(|t| t.as_ref().map(|t| t.text().to_string()));
    let links = browsers.iter().flat_map(|b| b.links(&machine_name(), web_text.as_deref())).collect();
    let config = ServerConfig {
        name: options.name.clone().or(name).unwrap_or_else(machine_name),
        auth: match options.auth {
            Auth::None => AuthPolicy::None,
            Auth::Password => {
                AuthPolicy::Secrets { passwords, tickets: ticket.into_iter().chain(web_ticket).collect() }
            }
        },
        tls,
        rsa_aes,
        vnc_password: password_of_vnc_viewers(options)?,
        rights: if options.view_only { Rights::View } else { Rights::Control },
    };
    let server = Server::new(config, scene, source);
    let (_control, socket) = control(options, &server).await?;

    let bound = listener.local_addrs();
    announce(
        options,
        &bound,
        &Listening {
            addresses: bound.iter().map(ToString::to_string).collect(),
            rfb: rfb.iter().flat_map(Listener::local_addrs).map(|a| a.to_string()).collect(),
            web: browsers.iter().flat_map(|b| b.listener.local_addrs()).map(|a| a.to_string()).collect(),
            links,
            certificate: browsers.as_ref().and_then(|b| b.certificate()).map(str::to_owned),
            display: virtual_display.as_ref().map(|d| d.display().to_owned()),
            fingerprint: identity.as_ref().map(|i| i.fingerprint().to_string()),
            ticket: ticket_text,
            socket,
        },
        identity.as_ref(),
        browsers.as_ref(),
    )?;

    let running = tokio::spawn(Arc::clone(&server).run(listener));
    if let Some(rfb) = rfb {
        tokio::spawn(Arc::clone(&server).run_rfb(rfb));
    }
    if let Some(Browsers { listener, web, .. }) = browsers {
        tokio::spawn(Arc::clone(&server).run_web(listener, web));
    }
    let ended = command_ended(virtual_display.as_ref());
    tokio::select! {
        () = interrupted => {}
        () = ended => tracing::info!("the command has ended"),
    }
    server.close();
    let _ = tokio::time::timeout(Duration::from_secs(2), running).await;
    // Goodbyes are on their way; sessions end with the runtime.
    tokio::time::timeout(Duration::from_secs(2), async {
        let mut viewers = server.scene().subscribe_viewers();
        let _ = viewers.wait_for(|&n| n == 0).await;
    })
    .await
    .ok();
    // A command whose display dies ends as well: that is not how it should.
    Ok(if server.status().failure.is_some() { Exit::NoDisplay } else { Exit::Ok })
}

/// A source at work.
pub(super) struct Started {
    virtual_display: Option<VirtualDisplay>,
    source: Arc<dyn Source>,
    scene: Arc<SharedScene>,
    /// What it is called, if it has a name.
    name: Option<String>,
}

impl Started {
    /// One that needs no display of its own.
    pub(super) fn new((source, scene): (impl Source + 'static, Arc<SharedScene>)) -> Self {
        Self { virtual_display: None, source: Arc::new(source), scene, name: None }
    }

    /// The same with a name.
    pub(super) fn named(self, name: String) -> Self {
        Self { name: Some(name), ..self }
    }
}

async fn source(options: &Serve) -> anyhow::Result<Started> {
    if let Some(address) = &options.gateway.source {
        return gateway::start(&options.gateway, address).await;
    }
    if options.demo {
        return Ok(Started::new(DemoSource::start(options.size)));
    }
    if let Some(trace) = &options.replay {
        return Ok(Started::new(ReplaySource::start(trace, Pace::Recorded { speed: 1.0 }, false)?));
    }
    let virtual_display = match options.virtual_size {
        Some(size) => Some(VirtualDisplay::start(size, options.max_size, &options.command)?),
        None => None,
    };
    let display = virtual_display.as_ref().map(VirtualDisplay::display).or(options.display.as_deref());
    let started = Started::new(X11Source::start(display, options.windows.into())?);
    Ok(Started { virtual_display, ..started })
}

/// The password that VNC viewers may prove without TLS, if there is one.
fn password_of_vnc_viewers(options: &Serving) -> anyhow::Result<Option<Zeroizing<Vec<u8>>>> {
    options.rfb_vncauth.as_deref().map(|path| private_password(path, "for VNC viewers")).transpose()
}

/// A ticket for one viewer, if tickets are wanted.
fn new_ticket(options: &Serving) -> anyhow::Result<Option<Ticket>> {
    if options.auth == Auth::None || options.no_ticket {
        return Ok(None);
    }
    let rights = match options.view_only {
        true => panto_transport::Rights::View,
        false => panto_transport::Rights::Control,
    };
    Ok(Some(Ticket::new(rights, Instant::now(), TICKET_LIFETIME)?))
}

/// Opens the control socket. The default one belongs to the first server of a user;
/// further ones get a name with their process number.
async fn control(options: &Serving, server: &Arc<Server>) -> anyhow::Result<(Control, PathBuf)> {
    let path = options.socket.clone().unwrap_or_else(paths::control_socket);
    match Control::start(Arc::clone(server), path.clone()).await {
        Err(ListenError::InUse { .. }) if options.socket.is_none() => {
            let path = paths::runtime_dir().join(format!("ctl-{}.sock", std::process::id()));
            let control = Control::start(Arc::clone(server), path.clone()).await?;
            tracing::info!(socket = %path.display(), "another server has the default control socket");
            Ok((control, path))
        }
        result => Ok((result?, path)),
    }
}

/// How TigerVNC's viewer has to be told to prove who it is, with a blank behind.
fn proof_of_tigervnc(options: &Serving) -> String {
    if options.auth == Auth::None || options.rfb_vncauth.is_some() {
        return String::new();
    }
    let certificate = data_dir().map(|dir| dir.join("server.crt").display().to_string());
    format!("-SecurityTypes X509Plain -X509CA='{}' ", certificate.unwrap_or_default())
}

/// Prints what to type on the other side.
fn announce(
    options: &Serving,
    bound: &[LocalAddr],
    listening: &Listening,
    identity: Option<&Identity>,
    browsers: Option<&Browsers>,
) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if options.json {
        writeln!(out, "{}", serde_json::to_string(listening)?)?;
        return Ok(out.flush()?);
    }
    for address in &listening.addresses {
        writeln!(out, "listening on {address}")?;
    }
    for address in &listening.rfb {
        writeln!(out, "VNC viewers at {address}")?;
    }
    if let Some((host, port)) = listening.rfb.first().and_then(|address| address.rsplit_once(':')) {
        writeln!(out, "  view it with:  xtigervncviewer {}{host}::{port}", proof_of_tigervnc(options))?;
    }
    let host = machine_name();
    let mut lines = Vec::new();
    for address in bound {
        let target = match address {
            LocalAddr::Unix(path) => Target::unix(path),
            LocalAddr::Tcp(tcp) if tcp.ip().is_unspecified() => Target::tcp(host.clone(), tcp.port()),
            // The IPv4 loopback stands for both.
            LocalAddr::Tcp(tcp) if tcp.ip().is_loopback() && tcp.is_ipv6() => continue,
            LocalAddr::Tcp(tcp) => Target::tcp(tcp.ip().to_string(), tcp.port()),
        };
        let target = match (identity, address) {
            (Some(identity), LocalAddr::Tcp(_)) => target.with_fingerprint(identity.fingerprint()),
            _ => target,
        };
        let line = format!("view it with:  panto view '{}'", target.url());
        if !lines.contains(&line) {
            writeln!(out, "{line}")?;
            lines.push(line);
        }
    }
    if let Some(port) = bound.iter().filter(|a| a.is_loopback()).find_map(LocalAddr::port) {
        writeln!(out, "from elsewhere:  ssh -L {port}:localhost:{port} {host}   and the same there")?;
    }
    if let Some(ticket) = &listening.ticket {
        writeln!(out, "one-time ticket (good for 15 minutes):  {ticket}")?;
    }
    if let Some(browsers) = browsers {
        browsers.announce(&mut out, &host, &listening.links)?;
    }
    if std::io::stdout().is_terminal() {
        writeln!(out, "steer it with:  panto ctl status | viewers | mode pixels|commands|hybrid|auto")?;
    }
    Ok(out.flush()?)
}

/// Waits until the virtual display's command has ended; forever without one.
async fn command_ended(display: Option<&VirtualDisplay>) {
    let Some(display) = display else { return std::future::pending().await };
    loop {
        if let Some(exit) = display.command_exited() {
            tracing::debug!(?exit, "command");
            return;
        }
        // There is no event for a grandchild's end; half a second is nobody's wait.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn machine_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
