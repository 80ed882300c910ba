//! What each command does.

mod compare;
mod ctl;
mod demo;
mod doctor;
mod gateway;
mod generate;
mod link;
mod passwd;
mod progress;
mod record;
mod replay;
mod report;
mod runtime;
mod serve;
mod top;
mod view;
mod web;

use crate::cli::Command;
use crate::exit::Exit;

pub fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Demo(options) => demo::run(options),
        Command::Serve(options) => serve::run(*options),
        Command::Replay(options) => replay::run(*options),
        Command::View(options) => view::run(*options),
        Command::Ctl(options) => ctl::run(options),
        Command::Top(options) => top::run(options),
        Command::Record(options) => record::run(options),
        Command::Compare(options) => compare::run(*options),
        Command::Link(options) => link::run(options),
        Command::Passwd(options) => passwd::run(options),
        Command::Doctor(options) => doctor::run(&options),
        Command::Completions { shell } => generate::completions(shell),
        Command::Man { directory } => generate::man(directory.as_deref()),
    }
}
