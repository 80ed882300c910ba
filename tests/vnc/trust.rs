//! Passwords, TLS, and servers that are not what they were.

use super::*;
use servers::certificate;

/// `password` as a file of `vncpasswd` has it: DES with the key that all of them have.
const PASSWORD_FILE: [u8; 8] = [0xdb, 0xd8, 0x3c, 0xfd, 0x72, 0x7a, 0x14, 0x58];

pub fn password_file(home: &Panto) -> String {
    let path = home.path("vnc-password");
    std::fs::write(&path, PASSWORD_FILE).unwrap();
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_without_tls() {
    let home = panto();
    let file = password_file(&home);
    let server = Tiger::start(SIZE, free_port(), &["-SecurityTypes", "VncAuth", "-PasswordFile", &file]);
    let _terminal = terminal(&server.display);
    server.hide_pointer();
    for passwords in [vec!["password"], vec!["wrong", "password"]] {
        let watcher = Watcher::start_with(options(&home, server.port), Knows::some(passwords));
        shows(&watcher, "let in", || server.display.picture());
        watcher.quit().await.1.expect("a good end");
    }
    for (passwords, said) in
        [(vec![], "none was given (--password-file)"), (vec!["wrong"], "Authentication failure")]
    {
        let (_, result) =
            Watcher::start_with(options(&home, server.port), Knows::some(passwords)).ended().await;
        let error = result.expect_err("not let in");
        assert!(matches!(&error, ViewError::Auth { reason } if reason.contains(said)), "{error}");
    }
}

#[test]
fn from_the_command_line() {
    let home = panto();
    let file = password_file(&home);
    let server = Tiger::start(SIZE, free_port(), &["-SecurityTypes", "VncAuth", "-PasswordFile", &file]);
    let _terminal = terminal(&server.display);
    server.hide_pointer();
    let target = format!("vnc://127.0.0.1::{}", server.port);
    let (right, wrong, shot) = (home.path("right"), home.path("wrong"), home.path("screen.png"));
    std::fs::write(&right, "password\n").unwrap();
    std::fs::write(&wrong, "nonsense\n").unwrap();
    let run = |password: &std::path::Path, more: &[&str]| {
        let mut args = vec![
            "view",
            &target,
            "--no-window",
            "--for",
            "1s",
            "--password-file",
            password.to_str().unwrap(),
        ];
        args.extend(more);
        home.run(&args)
    };
    let shot = shot.to_str().unwrap();
    let output =
        run(&right, &["--screenshot", shot, "--stats", "-", "--encoding", "zrle", "--mode", "commands"]);
    assert!(output.status.success(), "{output:?}");
    let stats: serde_json::Value = serde_json::from_slice(&output.stdout).expect("figures");
    assert_eq!((&stats["mode"], &stats["exact_share"]), (&"rfb".into(), &1.0.into()));
    assert!(stats["payload_bytes_by_kind"]["ZRLE"].as_u64().is_some_and(|n| n > 100), "{stats}");
    let image = image::open(shot).expect("a screenshot").to_rgb8();
    let pixels = image.pixels().map(|p| u32::from_be_bytes([0, p.0[0], p.0[1], p.0[2]])).collect();
    assert_same("screenshot", &Picture::from_pixels(SIZE, pixels).unwrap(), &server.display.picture());
    let output = run(&wrong, &[]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("Authentication failure") && !said.contains("nonsense"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn inside_tls_a_server_is_known_again() {
    let home = panto();
    let password = password_file(&home);
    let [cert, key] = certificate(&home.path("."), "first");
    let port = free_port();
    let of = |types: &str, cert: &str, key: &str, more: &[&str]| {
        let mut args =
            vec!["-SecurityTypes", types, "-X509Cert", cert, "-X509Key", key, "-PasswordFile", &password];
        args.extend(more);
        Tiger::start(SIZE, port, &args)
    };
    let with = |types: &str, cert: &str, key: &str| of(types, cert, key, &[]);
    let old = ["-GnuTLSPriority", "NORMAL:-VERS-TLS1.3"];
    for (types, more) in
        [("X509None", &[][..]), ("X509Vnc", &[]), ("X509None", &old), ("TLSVnc,X509Vnc,VncAuth", &[])]
    {
        let server = of(types, &cert, &key, more);
        let _terminal = terminal(&server.display);
        server.hide_pointer();
        let watcher = Watcher::start_with(options(&home, port), Knows::one("password"));
        shows(&watcher, types, || server.display.picture());
        watcher.quit().await.1.expect("a good end");
        let hosts = std::fs::read_to_string(home.path("known_hosts")).expect("known servers");
        assert!(hosts.lines().any(|l| l.starts_with(&format!("127.0.0.1:{port} SHA256:"))), "{hosts}");
    }
    // The server whose key is known now has another one, or none.
    let refused = |knows| {
        let watcher = Watcher::start_with(options(&home, port), knows);
        async move { watcher.ended().await.1.expect_err("not trusted").to_string() }
    };
    {
        let _server = with("VncAuth,None", &cert, &key);
        let said = refused(Knows::one("password")).await;
        assert!(said.contains("offers VncAuth, None") && said.contains("X509"), "{said}");
    }
    let [cert, key] = certificate(&home.path("."), "second");
    let _server = with("X509Vnc", &cert, &key);
    let said = refused(Knows::one("password")).await;
    assert!(said.contains("the identity of") && said.contains("has changed"), "{said}");
    // And whoever wants known servers only, gets no new ones.
    let strict = ClientOptions {
        trust: TrustPolicy::Strict,
        known_hosts: KnownHosts::at(home.path("nobody")),
        ..options(&home, port)
    };
    let error = Watcher::start_with(strict, Knows::one("password")).ended().await.1.expect_err("unknown");
    assert!(matches!(error, ViewError::Trust(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn anonymous_tls_is_named_and_not_spoken() {
    let home = panto();
    let server = Tiger::start(SIZE, free_port(), &["-SecurityTypes", "TLSNone"]);
    let error = Watcher::start(options(&home, server.port)).ended().await.1.expect_err("nothing in common");
    assert!(error.to_string().contains("offers TLSNone, of which none"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pantos_own_server_asks_for_a_name_and_a_password_inside_tls() {
    let home = panto();
    let served = home.serve(&["127.0.0.1:0", "--rfb=127.0.0.1:0", "--demo"]);
    let address = served.listening["rfb"][0].as_str().expect("an address").to_owned();
    let port = address.rsplit(':').next().unwrap().parse().unwrap();
    let ticket: &'static str = served.listening["ticket"].as_str().expect("a ticket").to_owned().leak();
    let (_, result) = Watcher::start_with(options(&home, port), Knows::one("wrong")).ended().await;
    assert!(matches!(result, Err(ViewError::Auth { .. })), "{result:?}");
    let watcher = Watcher::start_with(options(&home, port), Knows::some(vec!["wrong again", ticket]));
    watcher.until("the demo is there", |p| !p.data().is_empty() && p.data().iter().any(|c| *c != 0)).await;
    watcher.quit().await.1.expect("a good end");
}
