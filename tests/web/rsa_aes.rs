//! noVNC in Chromium at the port for VNC viewers, through a bridge from WebSockets as people put in
//! between: it knows RSA-AES (RA2ne, type 6), and its arithmetic is its own.

use std::path::{Component, Path};
use std::process::Command;
use std::thread;

use panto_tests::harness::Served;
use panto_transport::{Stream, websocket_accept_key};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// What noVNC needs around it. The key is shown as its own page shows it.
const PAGE: &str = r##"<!DOCTYPE html><meta charset="utf-8"><body><p id="message"></p>
<div id="screen" style="width: 600px; height: 400px"></div><script type="module">
import RFB from "/core/rfb.js";
const { password } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const data = document.body.dataset;
data.state = "connecting";
const screen = document.getElementById("screen");
const rfb = new RFB(screen, `ws://${location.host}/websocket`, { credentials: { username: "", password } });
rfb.addEventListener("serververification", async (event) => {
  const digest = await crypto.subtle.digest("SHA-1", event.detail.publickey);
  const bytes = Array.from(new Uint8Array(digest).slice(0, 8));
  data.key = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("-");
  data.bits = event.detail.publickey.slice(0, 4).reduce((all, byte) => all * 256 + byte, 0);
  rfb.approveServer();
});
rfb.addEventListener("connect", () => { data.state = "connected"; rfb.focus(); });
rfb.addEventListener("securityfailure", (event) => {
  document.getElementById("message").textContent = event.detail.reason;
  data.state = "refused";
});
</script>"##;

/// Serves noVNC's files and the page, and leads WebSockets to this port; says where.
fn bridge(server: u16) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                let (browser, _) = listener.accept().await.unwrap();
                // Tabs are closed in the middle of things.
                tokio::spawn(async move {
                    let _ = answer(browser, server).await;
                });
            }
        });
    });
    port
}

async fn answer(browser: TcpStream, server: u16) -> std::io::Result<()> {
    let mut browser = BufReader::new(browser);
    let (mut path, mut key) = (String::new(), String::new());
    loop {
        let mut line = String::new();
        browser.read_line(&mut line).await?;
        if let Some(rest) = line.strip_prefix("GET ") {
            path = rest.split([' ', '?']).next().unwrap_or_default().to_owned();
        }
        if let Some(("Sec-WebSocket-Key", value)) = line.trim().split_once(": ") {
            key = value.to_owned();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut browser = browser.into_inner();
    if path == "/websocket" {
        let accept = websocket_accept_key(key.as_bytes());
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        browser.write_all(head.as_bytes()).await?;
        let mut browser = Stream::from_tcp(browser)?.into_websocket(Vec::new()).await;
        let mut server = TcpStream::connect(("127.0.0.1", server)).await?;
        copy_bidirectional(&mut browser, &mut server).await?;
        return Ok(());
    }
    let inside = Path::new(&path).components().all(|c| !matches!(c, Component::ParentDir));
    let (kind, body) = match path.as_str() {
        "/" => ("text/html", PAGE.into()),
        path if inside && path.ends_with(".js") => {
            ("text/javascript", std::fs::read(format!("{}{path}", novnc()))?)
        }
        _ => ("text/plain", Vec::new()),
    };
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
    browser.write_all(head.as_bytes()).await?;
    browser.write_all(&body).await?;
    browser.shutdown().await?;
    tokio::io::copy(&mut browser, &mut tokio::io::sink()).await?;
    Ok(())
}

fn serve_vnc(home: &Panto) -> (Served, XDisplay, u16) {
    passwd(home, &["me"], PASSWORD);
    let (served, display) = serve_terminal(home, &["--rfb=127.0.0.1:0"]);
    let address = crate::rfb::address(&served);
    (served, display, address.rsplit(':').next().unwrap().parse().unwrap())
}

#[test]
fn novnc_proves_its_password_by_rsa_aes() {
    let home = panto();
    let (_served, display, server) = serve_vnc(&home);
    let port = bridge(server);
    let page = |password: &str| format!("http://127.0.0.1:{port}/#password={}", password.replace(' ', "+"));
    let mut browser = Browser::start(&home);
    browser.open(&page(PASSWORD), WINDOW);
    browser.until("connected");
    let mut data = |name: &str| browser.ask("attribute", json!({ "selector": "body", "name": name }));
    assert_eq!(data("data-bits"), "2048");
    let shown = data("data-key").as_str().unwrap().to_owned();
    shows("noVNC shows the screen", &mut browser, &display);
    browser.ask("point", json!({ "x": 200, "y": 150 }));
    types(&mut browser, &display, "sealed? no\n");
    shows("noVNC shows what was typed", &mut browser, &display);

    // What noVNC shows of the key is of the key in the file, says openssl.
    let openssl = |script: &str, file: &Path| {
        let out = Command::new("sh").args(["-c", script, "sh"]).arg(file).output().expect("a shell");
        String::from_utf8(out.stdout).expect("letters").trim().to_owned()
    };
    let script = "openssl pkey -in \"$1\" -pubout | openssl rsa -pubin -noout -modulus";
    let modulus = openssl(script, &home.path("data/panto/server-rsa.key")).replace("Modulus=", "");
    let sent = format!("00000800{modulus}{:0>512}", "10001");
    let byte = |i| u8::from_str_radix(&sent[i..i + 2], 16).expect("hexadecimal digits");
    let file = home.path("key-as-it-is-sent");
    std::fs::write(&file, (0..sent.len()).step_by(2).map(byte).collect::<Vec<u8>>()).unwrap();
    let digest = openssl("openssl dgst -sha1 -r \"$1\"", &file);
    let pairs: Vec<&str> = (0..8).map(|i| &digest[2 * i..2 * i + 2]).collect();
    assert_eq!(shown, pairs.join("-"));

    browser.open(&page("Correct horse battery staple"), WINDOW);
    browser.until("refused");
    assert_eq!(browser.message(), "wrong password or ticket");
    browser.complaints();
}
