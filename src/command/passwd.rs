//! `panto passwd`.

use panto_transport::{CredentialStore, Rights};

use crate::cli::Passwd;
use crate::exit::{Exit, Usage};
use crate::prompt;

pub fn run(options: Passwd) -> anyhow::Result<Exit> {
    let store = match &options.password_db {
        Some(path) => CredentialStore::at(path),
        None => CredentialStore::of_user()?,
    };
    if options.list {
        for credential in store.list()? {
            println!("{}\t{}", credential.name, credential.rights);
        }
        return Ok(Exit::Ok);
    }
    if options.remove {
        if !store.remove(&options.name)? {
            return Err(Usage(format!("'{}' has no password", options.name)).into());
        }
        return Ok(Exit::Ok);
    }
    let password = prompt::new_password(&options.name)?;
    if password.is_empty() {
        return Err(Usage("an empty password would let everybody in; nothing was changed".into()).into());
    }
    let rights = if options.view_only { Rights::View } else { Rights::Control };
    store.set_password(&options.name, rights, &password)?;
    eprintln!("password of '{}' set in {} (rights: {rights})", options.name, store.path().display());
    Ok(Exit::Ok)
}
