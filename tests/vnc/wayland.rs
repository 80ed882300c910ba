//! wayvnc on sway, without any screen.

use super::*;

/// The user who has nothing.
const NOBODY: &str = "65534";

/// A Wayland session that only VNC viewers see.
struct Wayland {
    dir: tempfile::TempDir,
    port: u16,
    _running: Vec<Running>,
}

impl Wayland {
    fn start() -> Self {
        let (dir, port) = (tempfile::TempDir::new().expect("a directory"), free_port());
        if rustix::process::getuid().is_root() {
            let nobody = NOBODY.parse().ok();
            std::os::unix::fs::chown(dir.path(), nobody, nobody).expect("a directory for sway");
        }
        let config = dir.path().join("sway");
        // A terminal that fills the screen, with the keyboard.
        let script = "printf 'ready\\n'; exec cat";
        let text = format!(
            "output HEADLESS-1 resolution 480x320 bg #204060 solid_color\nxwayland disable\n\
             exec foot -o cursor.blink=no -o colors.background=000000 sh -c \"{script}\"\n"
        );
        std::fs::write(&config, text).unwrap();
        let sway = Running::start(Self::at(&dir, "sway").arg("-c").arg(&config).envs([
            ("WLR_BACKENDS", "headless"),
            ("WLR_LIBINPUT_NO_DEVICES", "1"),
            ("WLR_RENDERER", "pixman"),
        ]));
        eventually("sway is there", || dir.path().join("wayland-1").exists().then_some(()));
        let mut server = Self::at(&dir, "wayvnc");
        server.env("WAYLAND_DISPLAY", "wayland-1").args(["127.0.0.1", &port.to_string()]);
        let server = Running::start(&mut server);
        listens(port);
        Self { dir, port, _running: vec![server, sway] }
    }

    fn at(dir: &tempfile::TempDir, program: &str) -> Program {
        let mut command = Program::new(program);
        if rustix::process::getuid().is_root() {
            // sway does not run as root.
            command = Program::new("setpriv");
            command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", program]);
        }
        command.env("XDG_RUNTIME_DIR", dir.path()).env("HOME", dir.path()).env_remove("DISPLAY");
        command
    }

    /// What is on its screen.
    fn picture(&self) -> Picture {
        let file = self.dir.path().join("screen.png");
        let status = Self::at(&self.dir, "grim")
            .env("WAYLAND_DISPLAY", "wayland-1")
            .arg(&file)
            .status()
            .expect("grim starts (apt install grim)");
        assert!(status.success());
        let image = image::open(&file).expect("a picture").to_rgb8();
        let pixels = image.pixels().map(|p| u32::from_be_bytes([0, p.0[0], p.0[1], p.0[2]])).collect();
        Picture::from_pixels(Size::new(image.width(), image.height()), pixels).unwrap()
    }

    fn rested(&self) -> Picture {
        let mut last = self.picture();
        eventually("the screen rests", || {
            std::thread::sleep(std::time::Duration::from_millis(100));
            let now = self.picture();
            let colors: std::collections::BTreeSet<u32> = now.data().iter().copied().collect();
            let rests = now == last && colors.len() > 8;
            last = now;
            rests.then(|| last.clone())
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wayvnc_in_every_encoding_and_typed_into() {
    let (home, session) = (panto(), Wayland::start());
    let screen = session.rested();
    for encoding in [EncodingId::TIGHT, EncodingId::ZRLE, EncodingId::RAW] {
        let mut options = options(&home, session.port);
        options.vnc.encoding = Some(encoding);
        let watcher = Watcher::start(options);
        let what = format!("wayvnc, {}", encoding.name().unwrap());
        shows(&watcher, &what, || screen.clone());
        let (stats, result) = watcher.quit().await;
        result.expect("a good end");
        assert!(stats.payload_bytes_by_kind.contains_key(encoding.name().unwrap()), "{what}: {stats:?}");
    }
    let watcher = Watcher::start(options(&home, session.port));
    connected(&watcher);
    type_line(&watcher, "abc 123");
    eventually("the terminal shows a line", || (session.picture() != screen).then_some(()));
    let after = session.rested();
    shows(&watcher, "typed", || after.clone());
    watcher.quit().await.1.expect("a good end");
}

#[tokio::test(flavor = "multi_thread")]
async fn wayvnc_tells_of_another_size_and_copies_both_ways() {
    let (home, session) = (panto(), Wayland::start());
    session.rested();
    let watcher = Watcher::start(options(&home, session.port));
    shows(&watcher, "before", || session.picture());
    let tool = |program: &str| {
        let mut tool = Wayland::at(&session.dir, program);
        tool.env("WAYLAND_DISPLAY", "wayland-1");
        tool
    };
    // This version passes bytes on and does not know in which encoding they are.
    watcher.send(Command::Clipboard("from here".into()));
    eventually("the session has it", || {
        let out = tool("wl-paste").arg("--no-newline").output().expect("wl-paste starts");
        (String::from_utf8_lossy(&out.stdout) == "from here").then_some(())
    });
    let status = tool("wl-copy").arg("from there").status().expect("wl-copy starts");
    assert!(status.success());
    eventually("it came here", || (&*watcher.handle.shown().clipboard.text == "from there").then_some(()));
    let socket = eventually("sway's socket", || {
        let all = std::fs::read_dir(session.dir.path()).unwrap().map(|entry| entry.unwrap().path());
        all.into_iter().find(|path| path.to_string_lossy().contains("sway-ipc"))
    });
    let status = tool("swaymsg")
        .arg("-s")
        .arg(&socket)
        .args(["output", "HEADLESS-1", "resolution", "400x260"])
        .status()
        .expect("swaymsg starts");
    assert!(status.success());
    let size = Size::new(400, 260);
    eventually("the session's own size", || (watcher.handle.shown().screen == size).then_some(()));
    shows(&watcher, "resized there", || session.picture());
    watcher.quit().await.1.expect("a good end");
}
