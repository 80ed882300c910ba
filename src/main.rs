//! The `panto` command line: a thin shell over the crates below it.

mod cli;
mod command;
mod exit;
mod logging;
mod memory;
mod paths;
mod prompt;

use clap::Parser;

/// `println!` panics when nobody reads any more (`panto doctor | head -1`): that is no fault of ours.
fn end_quietly_without_a_reader() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let said = info.payload_as_str().unwrap_or_default();
        if said.starts_with("failed printing to std") {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "panto: {said}");
            std::process::exit(exit::Exit::Other as i32);
        }
        usual(info);
    }));
}

fn main() -> std::process::ExitCode {
    end_quietly_without_a_reader();
    memory::give_back_what_is_large();
    let cli = cli::Cli::parse();
    logging::start(&cli.logging);
    match command::run(cli.command) {
        Ok(code) => code.into(),
        Err(error) => {
            eprintln!("panto: {}", exit::printable(&exit::sentence(&error)));
            exit::code_of(&error).into()
        }
    }
}
