//! The exchange of keys, of both sides: public keys, encrypted random numbers, hashes.
//!
//! ```text
//!   server ── public key ─────────────────────────► client, which judges it
//!          ◄─ public key, random number ───────────
//!          ── random number ──────────────────────►
//!          ◄─ sealed: hash of both public keys ───►
//! ```

use std::io;

use aws_lc_rs::digest::{Algorithm, Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use panto_protocol::rfb::AesBits;
use subtle::ConstantTimeEq;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zeroize::Zeroizing;

use super::RsaAesError;
use super::cipher::Cipher;
use super::key::{HEADER, PrivateKey, PublicKey};
use super::sealed::Sealed;
use crate::Stream;
use crate::files::random;

/// The server's side.
pub async fn accept(mut stream: Stream, own: &PrivateKey, bits: AesBits) -> Result<Stream, RsaAesError> {
    send(&mut stream, own.public().as_bytes()).await?;
    let peer = read_key(&mut stream).await?;
    let (ours, encrypted) = random_for(&peer, bits)?;
    // At once, as noVNC does not wait for the second half of it.
    send(&mut stream, &encrypted).await?;
    let theirs = read_random(&mut stream, own, bits).await?;
    agree(stream, [own.public(), &peer], [&ours, &theirs], bits).await
}

/// The client's side, once the server's key is found to be right.
pub async fn join(
    mut stream: Stream,
    peer: &PublicKey,
    own: &PrivateKey,
    bits: AesBits,
) -> Result<Stream, RsaAesError> {
    let (ours, encrypted) = random_for(peer, bits)?;
    send(&mut stream, &[own.public().as_bytes(), &encrypted].concat()).await?;
    let theirs = read_random(&mut stream, own, bits).await?;
    agree(stream, [own.public(), peer], [&ours, &theirs], bits).await
}

/// The peer's public key, which comes next.
pub async fn read_key(stream: &mut Stream) -> Result<PublicKey, RsaAesError> {
    let mut bytes = vec![0; HEADER];
    stream.read_exact(&mut bytes).await?;
    let size = PublicKey::size(bytes[..].try_into().map_err(|_| RsaAesError::PeerKey)?)?;
    bytes.resize(HEADER + 2 * size, 0);
    stream.read_exact(&mut bytes[HEADER..]).await?;
    PublicKey::decode(bytes)
}

/// A random number, and what tells the peer alone: two bytes of length, then encrypted.
fn random_for(peer: &PublicKey, bits: AesBits) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), RsaAesError> {
    let number = Zeroizing::new(random::<32>()?[..size_of_random(bits)].to_vec());
    let encrypted = peer.encrypt(&number)?;
    let length = u16::try_from(encrypted.len()).map_err(|_| RsaAesError::PeerKey)?;
    Ok((number, [&length.to_be_bytes()[..], &encrypted].concat()))
}

async fn read_random(
    stream: &mut Stream,
    own: &PrivateKey,
    bits: AesBits,
) -> Result<Zeroizing<Vec<u8>>, RsaAesError> {
    let (expected, found) = (own.public().modulus_bytes(), usize::from(stream.read_u16().await?));
    if found != expected {
        return Err(RsaAesError::RandomSize { expected, found });
    }
    let mut text = vec![0; expected];
    stream.read_exact(&mut text).await?;
    own.decrypt(&text, size_of_random(bits))
}

/// Begins to seal, and makes sure that the peer has both keys and both random numbers as they are here.
/// Of each pair the first is ours.
async fn agree(
    stream: Stream,
    [own, peer]: [&PublicKey; 2],
    [ours, theirs]: [&[u8]; 2],
    bits: AesBits,
) -> Result<Stream, RsaAesError> {
    let (outgoing, incoming) = (digest(bits, [theirs, ours]), digest(bits, [ours, theirs]));
    let [outgoing, incoming] = [outgoing, incoming].map(|key| Cipher::new(bits, &key));
    let mut sealed = Stream::sealed(Sealed::new(stream, outgoing, incoming));
    let length = algorithm(bits).output_len();
    let hash = digest(bits, [own.as_bytes(), peer.as_bytes()]);
    send(&mut sealed, &hash[..length]).await?;
    let expected = digest(bits, [peer.as_bytes(), own.as_bytes()]);
    let mut found = [0; 32];
    sealed.read_exact(&mut found[..length]).await?;
    if !bool::from(expected[..length].ct_eq(&found[..length])) {
        return Err(RsaAesError::NotTheKey);
    }
    Ok(sealed)
}

async fn send(stream: &mut Stream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// Bytes of a random number.
const fn size_of_random(bits: AesBits) -> usize {
    match bits {
        AesBits::Aes128 => 16,
        AesBits::Aes256 => 32,
    }
}

fn algorithm(bits: AesBits) -> &'static Algorithm {
    match bits {
        AesBits::Aes128 => &SHA1_FOR_LEGACY_USE_ONLY,
        AesBits::Aes256 => &SHA256,
    }
}

/// Of both one after the other; behind SHA-1's 20 bytes come zeros.
fn digest(bits: AesBits, parts: [&[u8]; 2]) -> Zeroizing<[u8; 32]> {
    let mut context = Context::new(algorithm(bits));
    parts.into_iter().for_each(|part| context.update(part));
    let digest = context.finish();
    let mut out = Zeroizing::new([0; 32]);
    out[..digest.as_ref().len()].copy_from_slice(digest.as_ref());
    out
}
