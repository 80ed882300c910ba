//! Samples of a server: what its control socket says at one time.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use panto_server::control::{Request, Response, Status, ask};
use panto_server::frontend::ViewerInfo;
use tokio::sync::mpsc;

/// A server that has not answered for so long is gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the server said at one time.
pub(super) struct Sample {
    pub(super) at: Instant,
    pub(super) status: Status,
    pub(super) viewers: Vec<ViewerInfo>,
}

/// Asks the server for both now.
pub(super) async fn sample(path: &Path) -> std::io::Result<Sample> {
    let unexpected =
        || std::io::Error::other("it answered something else than was asked; is it another version?");
    let Response::Status(status) = patiently(path, &Request::Status).await? else { return Err(unexpected()) };
    let Response::Viewers(viewers) = patiently(path, &Request::Viewers).await? else {
        return Err(unexpected());
    };
    Ok(Sample { at: Instant::now(), status, viewers })
}

/// Asks, but not for ever.
pub(super) async fn patiently(path: &Path, request: &Request) -> std::io::Result<Response> {
    tokio::time::timeout(PATIENCE, ask(path, request)).await.unwrap_or_else(|_| {
        let message = format!("no answer for {} s", PATIENCE.as_secs());
        Err(std::io::Error::new(std::io::ErrorKind::TimedOut, message))
    })
}

/// Samples, one an interval, until one fails.
pub(super) fn sample_always(path: PathBuf, interval: Duration) -> mpsc::Receiver<std::io::Result<Sample>> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut ticks = ticks(interval);
        loop {
            ticks.tick().await;
            let sampled = sample(&path).await;
            let is_last = sampled.is_err();
            if sender.send(sampled).await.is_err() || is_last {
                return;
            }
        }
    });
    receiver
}

/// A tick an interval, the first after one.
pub(super) fn ticks(interval: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + interval, interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::UnixListener;

    /// Samples a server that gives these answers, one a connection.
    async fn sampled(answers: Vec<Response>) -> std::io::Result<Sample> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        let listener = UnixListener::bind(&path).unwrap();
        tokio::spawn(async move {
            for answer in answers {
                let (stream, _) = listener.accept().await.unwrap();
                let mut stream = BufReader::new(stream);
                stream.read_line(&mut String::new()).await.unwrap();
                let json = serde_json::to_string(&answer).unwrap() + "\n";
                stream.write_all(json.as_bytes()).await.unwrap();
            }
        });
        sample(&path).await
    }

    #[tokio::test]
    async fn a_sample_is_the_status_and_the_viewers() {
        let status = Status { name: "here".into(), ..Status::default() };
        let viewer = ViewerInfo { id: 7, ..ViewerInfo::default() };
        let answers = vec![Response::Status(status), Response::Viewers(vec![viewer])];
        let sample = sampled(answers).await.unwrap();
        assert_eq!((sample.status.name.as_str(), sample.viewers.len()), ("here", 1));
        assert_eq!(sample.viewers[0].id, 7);
    }

    #[tokio::test]
    async fn another_answer_is_an_error() {
        let error = sampled(vec![Response::Reached(1)]).await.err().unwrap();
        assert_eq!(error.to_string(), "it answered something else than was asked; is it another version?");
    }
}
