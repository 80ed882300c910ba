//! `panto completions` and `panto man`.

use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;

use crate::cli::Cli;
use crate::exit::Exit;

pub fn completions(shell: clap_complete::Shell) -> anyhow::Result<Exit> {
    clap_complete::generate(shell, &mut Cli::command(), "panto", &mut std::io::stdout());
    Ok(Exit::Ok)
}

pub fn man(directory: Option<&Path>) -> anyhow::Result<Exit> {
    match directory {
        None => clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout())?,
        Some(directory) => {
            let what = || format!("cannot write man pages to {}", directory.display());
            std::fs::create_dir_all(directory).with_context(what)?;
            clap_mangen::generate_to(Cli::command(), directory).with_context(what)?;
        }
    }
    Ok(Exit::Ok)
}
