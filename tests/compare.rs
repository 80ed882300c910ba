//! `panto record`, `compare` and `link`, as scripts use them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Output, Stdio};

use panto_tests::harness::{Panto, eventually, panto};
use serde_json::Value;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a file of figures")).expect("figures")
}

fn expect(output: &Output, code: i32, words: &str) {
    let all = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{all}");
    assert!(all.contains(words), "'{words}' is missing in\n{all}");
}

/// A trace of the demo desktop's first seconds.
fn demo_trace(home: &Panto, name: &str) -> String {
    let path = home.path(name).to_str().unwrap().to_owned();
    let output = home.run(&["record", &path, "--demo", "--for", "4s", "--title", "short demo"]);
    expect(&output, 0, "4.0 s");
    path
}

#[test]
fn the_same_trace_gives_the_same_figures() {
    let home = panto();
    let trace = demo_trace(&home, "demo.trace");
    let run = |out: &str| {
        let path = home.path(out);
        let out = path.to_str().unwrap();
        let args = [
            "compare",
            &trace,
            "--mode",
            "pixels,commands",
            "--link",
            "4g",
            "--link",
            "train",
            "--json",
            out,
        ];
        let output = home.run(&args);
        expect(&output, 0, "short demo");
        let mut figures = json(&path);
        assert_eq!(figures["rows"].as_array().unwrap().len(), 4);
        for row in figures["rows"].as_array_mut().unwrap() {
            assert_eq!(row["exact"], true);
            assert!(row["input_to_pixel_ms"]["p50"].as_f64().unwrap() >= 40.0, "{row}");
            // Processor time is measured; everything else is computed.
            row["server_cpu_s"].take();
            row["viewer_cpu_s"].take();
        }
        figures["command"].take();
        figures
    };
    assert_eq!(run("a.json"), run("b.json"));
}

#[test]
fn a_comparison_leaves_table_csv_markdown_and_report() {
    let home = panto();
    let trace = demo_trace(&home, "demo.trace");
    let path = |name: &str| home.path(name).to_str().unwrap().to_owned();
    let (csv, md, html) = (path("t.csv"), path("t.md"), path("t.html"));
    let output = home.run(&[
        "compare",
        &trace,
        "--mode",
        "pixels,hybrid",
        "--depth",
        "24,8",
        "--csv",
        &csv,
        "--markdown",
        &md,
        "--html",
        &html,
    ]);
    expect(&output, 0, "pixels 8 bit");
    let csv = std::fs::read_to_string(csv).unwrap();
    assert_eq!(csv.lines().count(), 5, "{csv}");
    assert!(csv.lines().next().unwrap().contains("input_to_pixel_ms_p95"));
    assert!(std::fs::read_to_string(md).unwrap().contains("| hybrid 8 bit |"));
    let html = std::fs::read_to_string(html).unwrap();
    assert!(html.contains("<svg") && html.contains("panto compare"), "a report with plots");
}

#[test]
fn thresholds_end_scripts_with_20() {
    let home = panto();
    let trace = demo_trace(&home, "demo.trace");
    let compare = |expr: &str| {
        home.run(&["compare", &trace, "--mode", "pixels,commands", "--link", "cable", "--fail-if", expr])
    };
    expect(&compare("mode == 'commands' && bytes_down > 0.5 * pixels.bytes_down"), 0, "commands");
    let output = compare("mode == 'commands' && bytes_down > 10kB");
    expect(&output, 20, "--fail-if is true: commands on short demo over cable: bytes_down = ");
    expect(&compare("bytes_dwon > 1"), 2, "bytes_down");
    expect(&compare("!exact or input_to_pixel_ms.p95 > 60s"), 0, "cable");
}

#[test]
fn computed_desktops_need_no_files() {
    let home = panto();
    let path = home.path("keys.json");
    let args = ["compare", "--synthetic", "keys,desktop", "--mode", "pixels", "--link", "2mbit", "--json"];
    let args = [&args[..], &[path.to_str().unwrap()]].concat();
    expect(&home.run(&args), 0, "synthetic desktop");
    let figures = json(&path);
    let [keys, desktop] = figures["rows"].as_array().unwrap().as_slice() else { panic!("{figures}") };
    assert_eq!((&keys["workload"], &keys["exact"]), (&"synthetic keys".into(), &true.into()));
    assert_eq!(keys["input_to_pixel_ms"]["samples"].as_array().unwrap().len(), 80);
    assert!(keys["input_to_pixel_ms"]["p50"].as_f64().unwrap() > 80.0, "{keys}");
    let ms = |name: &str| desktop[name].as_f64().unwrap();
    assert!(80.0 < ms("recognisable_ms") && ms("recognisable_ms") <= ms("exact_ms"), "{desktop}");
}

#[test]
fn what_cannot_be_compared_is_said() {
    let home = panto();
    let trace = demo_trace(&home, "demo.trace");
    expect(&home.run(&["compare", &trace, "--link", "wifi"]), 2, "there are none, lan, fibre");
    expect(&home.run(&["compare", &trace, "--mode", "vnc"]), 2, "pixels, pixels+copyrect, commands");
    expect(&home.run(&["compare", "--synthetic", "idle"]), 2, "there are noisy, smooth, busy, keys, desktop");
    expect(&home.run(&["compare", "--synthetic", "busy", "--peer", "tigervnc"]), 2, "work files");
    expect(&home.run(&["compare", "no/such.trace"]), 1, "no/such.trace");
    expect(&home.run(&["compare", &trace, "--peer", "tigervnc"]), 2, "work files");
    expect(&home.run(&["compare", &trace, "--peer", "teamviewer"]), 2, "x11, nx, rdp, xpra");
    let other = home.path("other.trace");
    let mut bytes = std::fs::read(&trace).unwrap();
    bytes[8] = 77;
    std::fs::write(&other, &bytes).unwrap();
    expect(&home.run(&["compare", other.to_str().unwrap()]), 1, "version 77");
    std::fs::write(&other, "Dear diary").unwrap();
    expect(&home.run(&["compare", other.to_str().unwrap()]), 1, "no Panto trace");
}

#[test]
fn a_cut_trace_is_compared_as_far_as_it_goes_and_marked() {
    let home = panto();
    let path = home.path("long.trace");
    let long = path.to_str().unwrap();
    // Two chapters, so that a whole one is left.
    expect(&home.run(&["record", long, "--demo"]), 0, "changes of the screen");
    let path = home.path("cut.trace");
    let cut = path.to_str().unwrap();
    let bytes = std::fs::read(long).unwrap();
    // The trailer and the index are gone.
    std::fs::write(cut, &bytes[..bytes.len() - 30]).unwrap();
    let figures = home.path("cut.json");
    let output = home.run(&["compare", cut, "--mode", "commands", "--json", figures.to_str().unwrap()]);
    expect(&output, 1, "cut short");
    let row = &json(&figures)["rows"][0];
    assert!(row["error"].as_str().unwrap().contains("cut short"));
    assert!(row["bytes_down"].as_u64().unwrap() > 10_000, "what there is was compared: {row}");
}

#[test]
fn an_interrupted_comparison_keeps_what_it_has() {
    let home = panto();
    let figures = home.path("part.json");
    // Long enough that nobody's machine ends it before the signal.
    let mut command = home.command(&["compare", "--demo", "--mode", "pixels", "--depth", "4"]);
    for link in ["lan", "fibre", "cable", "4g", "satellite", "dsl", "train"] {
        command.args(["--link", link]);
    }
    let mut child = command
        .args(["--json", figures.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("panto compare");
    // It takes processor time only once runs are under way.
    eventually("the runs go on", || (panto_tests::harness::cpu_seconds(child.id()) > 1.0).then_some(()));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let figures = json(&figures);
    assert_eq!(figures["interrupted"], true);
    let rows = figures["rows"].as_array().unwrap();
    assert!(!rows.is_empty() && rows.len() < 7, "{} rows", rows.len());
    assert!(rows.iter().any(|r| r["error"].as_str().is_some_and(|e| e.contains("stopped"))));
}

#[test]
fn a_program_is_recorded_with_a_scripted_person_and_compared() {
    let home = panto();
    let script = home.path("keys.txt");
    std::fs::write(
        &script,
        "wait window XTerm\nmove 100 100\nwait still 300ms\nbegin\ntype \"echo hello\" every 40ms\nkey Return\nwait still 300ms\n",
    )
    .unwrap();
    let figures = home.path("typed.json");
    let args = [
        "compare",
        "--script",
        script.to_str().unwrap(),
        "--mode",
        "pixels,commands",
        "--link",
        "cable",
        "--json",
        figures.to_str().unwrap(),
        "--",
        "xterm",
        "-fn",
        "fixed",
        "-geometry",
        "80x24+0+0",
    ];
    expect(&home.run(&args), 0, "xterm");
    let figures = json(&figures);
    assert_eq!(figures["workloads"][0]["inputs"], 11, "keys, presses only");
    for row in figures["rows"].as_array().unwrap() {
        let latency = &row["input_to_pixel_ms"];
        assert!(latency["samples"].as_array().unwrap().len() >= 10, "{row}");
        // Half a round trip up, the terminal's own time, and half a round trip down.
        assert!(latency["p50"].as_f64().unwrap() >= 28.0, "{latency}");
        assert_eq!(row["exact"], true);
    }
}

#[test]
fn a_program_that_never_ends_is_compared_in_part_and_marked() {
    let home = panto();
    let figures = home.path("endless.json");
    let args = [
        "compare",
        "--for",
        "2s",
        "--mode",
        "commands",
        "--json",
        figures.to_str().unwrap(),
        "--",
        "xclock",
        "-update",
        "1",
    ];
    expect(&home.run(&args), 1, "did not end within 2 s");
    let row = &json(&figures)["rows"][0];
    assert!(row["error"].as_str().unwrap().contains("--for") && row["bytes_down"].as_u64().unwrap() > 100);
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let home = panto();
    expect(&home.run(&["compare", "--", "no-such-program"]), 8, "no-such-program");
    let path = home.path("x.trace");
    expect(&home.run(&["record", path.to_str().unwrap(), "--", "no-such-program"]), 8, "no-such-program");
    expect(&home.run(&["record", path.to_str().unwrap()]), 2, "--display, --demo or --work");
}

#[test]
fn a_link_carries_and_counts() {
    let home = panto();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = server.local_addr().unwrap().to_string();
    let mut command = home.command(&["link", "127.0.0.1:0", &target, "--profile", "rtt=60ms", "--json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("panto link");
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    let listening: Value = serde_json::from_str(&line).expect("where it listens");
    let mut client = TcpStream::connect(listening["address"].as_str().unwrap()).unwrap();
    let (mut far, _) = server.accept().unwrap();
    client.write_all(b"ping").unwrap();
    let mut got = [0; 4];
    far.read_exact(&mut got).unwrap();
    let began = std::time::Instant::now();
    far.write_all(&vec![7; 100_000]).unwrap();
    drop(far);
    let mut all = Vec::new();
    client.read_to_end(&mut all).unwrap();
    assert_eq!((&got, all.len()), (b"ping", 100_000));
    // Seventy segments do not fit into the first window of ten: more than one round trip.
    assert!(began.elapsed().as_millis() >= 30 + 60, "{:?}", began.elapsed());
    drop(client);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let counts: Value = serde_json::from_str(&rest).expect("what it carried");
    assert_eq!((&counts["bytes_down"], &counts["bytes_up"]), (&100_000.into(), &4.into()), "{counts}");
    assert_eq!(counts["connections"], 1);
}

#[test]
fn a_link_that_leads_nowhere_or_is_taken_says_so() {
    let home = panto();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    expect(&home.run(&["link", &address, "127.0.0.1:9"]), 9, "in use");
    expect(&home.run(&["link", "0", "127.0.0.1:9", "--profile", "string"]), 2, "no link 'string'");
    expect(&home.run(&["link", "--list"]), 0, "train");
}

#[test]
fn waiting_scripts_hear_signals_and_the_clock() {
    let home = panto();
    let script = home.path("long.txt");
    std::fs::write(&script, "begin\npause 300s\n").unwrap();
    let (script, trace) = (script.to_str().unwrap().to_owned(), home.path("t.trace"));
    let args = ["record", trace.to_str().unwrap(), "--script", &script, "--for", "2s", "--", "xclock"];
    expect(&home.run(&args), 10, "time was over before the script was");
    let mut child = home
        .command(&["compare", "--mode", "commands", "--script", &script, "--", "xclock"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("panto compare");
    // Once the pause has begun: the clock was drawn, so the program is there.
    eventually("the recording goes on", || {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", child.id())).ok()?;
        tasks
            .flatten()
            .any(|t| std::fs::read_to_string(t.path().join("comm")).is_ok_and(|c| c.trim() == "eye"))
            .then_some(())
    });
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn nothing_is_overwritten_by_mistake() {
    let home = panto();
    let notes = home.path("notes.txt");
    std::fs::write(&notes, "precious").unwrap();
    expect(&home.run(&["record", notes.to_str().unwrap(), "--demo"]), 2, "no trace");
    assert_eq!(std::fs::read_to_string(&notes).unwrap(), "precious");
    expect(&home.run(&["record", "-", "--demo"]), 2, "to a file");
    let trace = demo_trace(&home, "demo.trace");
    // A trace may replace a trace.
    demo_trace(&home, "demo.trace");
    expect(&home.run(&["compare", &trace, "--json", &trace]), 2, "a place of its own");
    expect(&home.run(&["compare", &trace, "--json", "-", "--csv", "-"]), 2, "a place of its own");
}

#[test]
fn what_is_wrong_with_a_workload_is_told_beside_the_others() {
    let home = panto();
    let trace = demo_trace(&home, "demo.trace");
    let broken = home.path("broken.trace");
    std::fs::write(&broken, &std::fs::read(&trace).unwrap()[..300]).unwrap();
    let figures = home.path("f.json");
    let (figures, broken) = (figures.to_str().unwrap(), broken.to_str().unwrap());
    let args = ["compare", &trace, broken, &trace, "--mode", "commands", "--link", "lan", "--link", "lan"];
    let output = home.run(&[&args[..], &["--json", figures]].concat());
    expect(&output, 1, "nothing of it can be used");
    let figures = json(Path::new(figures));
    let rows = figures["rows"].as_array().unwrap();
    let names: Vec<_> = rows.iter().map(|r| r["workload"].as_str().unwrap()).collect();
    assert_eq!(names, ["short demo", "short demo (2)", broken]);
    assert_eq!(figures["links"].as_array().unwrap().len(), 1);
    // A pipe would be waited for until somebody writes into it.
    let pipe = home.path("pipe.trace");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    expect(&home.run(&["compare", pipe.to_str().unwrap()]), 1, "not a regular file");
}

#[test]
fn programs_that_fail_or_hear_nothing_are_no_silent_success() {
    let home = panto();
    expect(&home.run(&["compare", "--mode", "commands", "--", "false"]), 1, "ended with exit code 1");
    let script = home.path("deaf.txt");
    // The pointer is in the middle of the screen, and the clock in its corner.
    std::fs::write(&script, "wait window XClock\nwait still 300ms\nbegin\ntype \"hello\" every 30ms\n")
        .unwrap();
    let args = ["compare", "--mode", "commands", "--script", script.to_str().unwrap(), "--", "xclock"];
    expect(&home.run(&[&args[..], &["-geometry", "100x100+0+0"]].concat()), 0, "5 inputs changed the screen");
    let work = home.path("wrong.work");
    std::fs::write(&work, "title x\nrun xclock\njump 3\n").unwrap();
    expect(&home.run(&["compare", work.to_str().unwrap()]), 2, "line 3, `jump 3`");
}
