//! The `panto` command line: a thin shell over the crates below it.

mod cli;
mod command;
mod exit;
mod logging;
mod memory;
mod paths;
mod prompt;

use clap::Parser;

fn main() -> std::process::ExitCode {
    memory::give_back_what_is_large();
    let cli = cli::Cli::parse();
    logging::start(&cli.logging);
    match command::run(cli.command) {
        Ok(code) => code.into(),
        Err(error) => {
            eprintln!("panto: {}", exit::sentence(&error));
            exit::code_of(&error).into()
        }
    }
}
