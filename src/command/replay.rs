//! `panto replay`.

use panto_server::source::{Pace, ReplaySource};

use super::serve::{self, Started};
use crate::cli::{PaceArg, Replay};
use crate::exit::{Exit, Usage};

pub fn run(options: Replay) -> anyhow::Result<Exit> {
    let pace = match options.pace {
        PaceArg::Recorded => Pace::Recorded { speed: options.speed.unwrap_or(1.0) },
        _ if options.speed.is_some() => {
            return Err(Usage("--speed belongs to --pace recorded: leave out one of them".into()).into());
        }
        PaceArg::Fast => Pace::Fast,
        PaceArg::SlowMotion => Pace::SlowMotion,
    };
    serve::run_with(&options.serving, async || {
        Ok(Started::new(ReplaySource::start(&options.file, pace, options.looped)?))
    })
}
