//! `panto link`.

use std::net::SocketAddr;

use panto_compare::link::{Profile, ProfileError, Relay, RelayCounts};
use panto_compare::report;
use serde::Serialize;
use tokio::net::lookup_host;

use super::runtime;
use crate::cli::Link;
use crate::exit::{Exit, Usage};

#[derive(Serialize)]
struct Listening {
    address: SocketAddr,
    target: SocketAddr,
    profile: String,
}

pub fn run(options: Link) -> anyhow::Result<Exit> {
    if options.list {
        for name in Profile::NAMES {
            let info = Profile::named(name).unwrap_or_default().info();
            println!("{name:10} {}", report::link_in_words(&info));
        }
        return Ok(Exit::Ok);
    }
    let profile: Profile = options.profile.parse().map_err(|e: ProfileError| Usage(e.to_string()))?;
    runtime::start()?.block_on(relay(options, profile))
}

async fn relay(options: Link, profile: Profile) -> anyhow::Result<Exit> {
    let interruptions = runtime::Interruptions::listen()?;
    let listen = address(options.listen.as_deref().unwrap_or_default()).await?;
    let target = address(options.target.as_deref().unwrap_or_default()).await?;
    let relay = match Relay::start_turned(listen, target, &profile, options.turned) {
        Ok(relay) => relay,
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            eprintln!("panto: {listen} is in use; choose another port");
            return Ok(Exit::AddressInUse);
        }
        Err(error) => return Err(anyhow::Error::from(error).context(format!("cannot listen on {listen}"))),
    };
    let listening = Listening { address: relay.address(), target, profile: profile.name.clone() };
    if options.json {
        println!("{}", serde_json::to_string(&listening)?);
    } else {
        println!("{} leads to {target} over {}:", listening.address, profile.name);
        println!("{}", report::link_in_words(&profile.info()));
    }
    let over = async {
        match options.duration {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = interruptions.first() => {}
        () = over => {}
    }
    let RelayCounts { connections, bytes_down, bytes_up, packets_down, packets_up, .. } = relay.counts();
    if options.json {
        println!("{}", serde_json::to_string(&relay.counts())?);
    } else {
        println!(
            "{connections} connections, {bytes_down} bytes down in {packets_down} packets, \
             {bytes_up} bytes up in {packets_up} packets"
        );
    }
    if let Some(failure) = relay.failure() {
        eprintln!("panto: {failure}");
        return Ok(Exit::CannotConnect);
    }
    Ok(Exit::Ok)
}

/// `HOST:PORT` or a port on loopback.
async fn address(text: &str) -> anyhow::Result<SocketAddr> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    let usage = |why: String| Usage(format!("'{text}' is no address such as 127.0.0.1:5901 or 5901{why}"));
    let found = lookup_host(text).await.map_err(|e| usage(format!(": {e}")))?.next();
    found.ok_or_else(|| usage(String::new()).into())
}
