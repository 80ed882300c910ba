//! Both sides against each other, and against peers that are neither.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use panto_protocol::rfb::AesBits;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::key::{PrivateKey, PublicKey};
use super::*;
use crate::{FingerprintKind, Stream};

const BITS: [AesBits; 2] = [AesBits::Aes128, AesBits::Aes256];

fn server(dir: &tempfile::TempDir) -> ServerRsaAes {
    ServerRsaAes::at(dir.path())
}

/// A server's answer to a viewer that plays `viewer`.
async fn accept<F: Future<Output = ()>>(
    rsa_aes: &ServerRsaAes,
    bits: AesBits,
    viewer: impl FnOnce(DuplexStream) -> F,
) -> Result<Stream, RsaAesError> {
    let (near, far) = duplex(1 << 16);
    tokio::join!(rsa_aes.accept(Stream::from_io(far), bits), viewer(near)).0
}

/// A public key as it is sent: the server's, or one of these numbers.
async fn read_key(io: &mut DuplexStream) -> PublicKey {
    let mut bytes = vec![0; 4 + 2 * 256];
    io.read_exact(&mut bytes).await.unwrap();
    PublicKey::decode(bytes).unwrap()
}

fn numbers(bits: u32, modulus: u8, exponent: &[u8]) -> Vec<u8> {
    let size = bits.div_ceil(8) as usize;
    let mut n = vec![modulus; size];
    *n.last_mut().unwrap() = modulus | 1;
    let e = [&vec![0; size - exponent.len()][..], exponent].concat();
    [&bits.to_be_bytes()[..], &n, &e].concat()
}

#[tokio::test]
async fn both_sides_agree_and_the_key_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server-rsa.key");
    let mut fingerprints = Vec::new();
    for bits in BITS {
        // Each time a server of its own, which finds the key that the first has made.
        let rsa_aes = server(&dir);
        // Both sides write their random numbers before they read, as others do; no socket is narrower.
        let (near, far) = duplex(300);
        let (near, far) = (Stream::from_io(near), Stream::from_io(far));
        let near = async {
            let unsealed = start_rsa_aes(near, bits).await.unwrap();
            let fingerprint = unsealed.fingerprint(FingerprintKind::Ra2);
            (fingerprint, unsealed.into_sealed().await.unwrap())
        };
        let (far, (fingerprint, mut near)) = tokio::join!(rsa_aes.accept(far, bits), near);
        let mut far = far.unwrap();
        fingerprints.push(fingerprint);
        assert!(near.is_encrypted() && far.is_encrypted());
        far.write_all(b"\x02").await.unwrap();
        far.flush().await.unwrap();
        assert_eq!(near.read_u8().await.unwrap(), 2);
        near.write_all(b"secret").await.unwrap();
        near.flush().await.unwrap();
        let mut said = [0; 6];
        far.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"secret");
    }
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fingerprints[0], fingerprints[1]);

    // openssl tells the same fingerprint of the file as a viewer shows.
    let command = "openssl pkey -in \"$1\" -pubout | openssl pkey -pubin -outform der | \
                   openssl dgst -sha256 -binary | base64";
    let out = std::process::Command::new("sh").args(["-c", command, "sh"]).arg(&path).output().unwrap();
    let told = String::from_utf8(out.stdout).unwrap();
    assert_eq!(format!("RA2-SHA256:{}", told.trim().trim_end_matches('=')), fingerprints[0].to_string());
}

#[tokio::test]
async fn a_key_file_that_is_none_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server-rsa.key");
    fs::write(&path, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let error = accept(&server(&dir), AesBits::Aes128, |_| async {}).await.unwrap_err().to_string();
    assert!(error.contains("server-rsa.key holds no usable RSA key"), "{error}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let error = accept(&server(&dir), AesBits::Aes128, |_| async {}).await.unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
}

#[tokio::test]
async fn keys_that_are_none_are_refused_before_anything_is_made_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let rsa_aes = server(&dir);
    for bits in [0, 1, 512, 1024, 2047, 8193, 65_536, u32::MAX] {
        let result = accept(&rsa_aes, AesBits::Aes256, |mut io| async move {
            read_key(&mut io).await;
            io.write_all(&bits.to_be_bytes()).await.unwrap();
            // It does not wait for as many bytes.
            assert_eq!(io.read(&mut [0; 9]).await.unwrap(), 0);
        });
        let error = result.await.unwrap_err();
        assert!(matches!(error, RsaAesError::KeySize { bits: found } if found == bits), "{bits}: {error}");
        assert!(error.to_string().contains("2048 to 8192"), "{error}");
    }
    let mut even = numbers(2048, 0xff, &[1, 0, 1]);
    even[4 + 255] = 0xfe;
    for (what, key) in [
        ("no exponent", numbers(2048, 0xff, &[])),
        ("exponent of 1", numbers(2048, 0xff, &[1])),
        ("even exponent", numbers(2048, 0xff, &[1, 0, 0])),
        ("endless exponent", numbers(2048, 0xff, &[0xff; 256])),
        ("no modulus", numbers(2048, 0, &[1, 0, 1])),
        ("even modulus", even),
        ("a shorter modulus than said", {
            let mut key = numbers(2048, 0xff, &[1, 0, 1]);
            key[4] = 0;
            key[5] = 0;
            key
        }),
    ] {
        let result = accept(&rsa_aes, AesBits::Aes128, |mut io| async move {
            read_key(&mut io).await;
            io.write_all(&key).await.unwrap();
            assert_eq!(io.read(&mut [0; 9]).await.unwrap(), 0, "{what}");
        });
        let error = result.await.unwrap_err();
        assert!(matches!(error, RsaAesError::PeerKey), "{what}: {error}");
    }
}

/// What a viewer does wrong.
#[derive(Clone, Copy, PartialEq)]
enum Wrong {
    Nothing,
    /// Its random number has a byte too few.
    Size,
    /// It is noise.
    Random,
    /// It is encrypted, and of 17 bytes.
    Long,
    /// The hash is another one.
    Hash,
    /// Sealed by keys that are not agreed on.
    Tag,
}

#[tokio::test]
async fn whoever_gets_something_wrong_has_not_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let rsa_aes = server(&dir);
    let (own, _) = PrivateKey::generate().unwrap();
    for wrong in [Wrong::Nothing, Wrong::Size, Wrong::Random, Wrong::Long, Wrong::Hash, Wrong::Tag] {
        let own = &own;
        let result = accept(&rsa_aes, AesBits::Aes128, |mut io| async move {
            let peer = read_key(&mut io).await;
            io.write_all(own.public().as_bytes()).await.unwrap();
            let ours = [9; 17];
            let mut random = peer.encrypt(&ours[..if wrong == Wrong::Long { 17 } else { 16 }]).unwrap();
            if wrong == Wrong::Random {
                random[3..].fill(0x5a);
            }
            let length = 256 - u16::from(wrong == Wrong::Size);
            io.write_all(&[&length.to_be_bytes()[..], &random].concat()).await.unwrap();
            let mut theirs = [0; 2 + 256];
            io.read_exact(&mut theirs).await.unwrap();
            let theirs = own.decrypt(&theirs[2..], 16).unwrap();
            let hash = |parts: [&[u8]; 2]| {
                let parts = parts.concat();
                aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &parts)
            };
            let mut key = [0; 32];
            key[..20].copy_from_slice(hash([&theirs, &ours[..16]]).as_ref());
            if wrong == Wrong::Tag {
                key[15] ^= 1;
            }
            let mut said = hash([own.public().as_bytes(), peer.as_bytes()]).as_ref().to_vec();
            if wrong == Wrong::Hash {
                said[19] ^= 1;
            }
            let mut out = Vec::new();
            cipher::Cipher::new(AesBits::Aes128, &key).seal([&said[..]].into_iter(), &mut out);
            let _ = io.write_all(&out).await;
            // Until it leaves, or is content.
            let _ = io.read(&mut [0; 99]).await;
        });
        let result = result.await;
        match wrong {
            Wrong::Nothing => assert!(result.is_ok_and(|stream| stream.is_encrypted())),
            Wrong::Size => {
                let Err(RsaAesError::RandomSize { expected: 256, found: 255 }) = result else {
                    panic!("{result:?}")
                };
            }
            // Which of them it was, nobody is told.
            _ => assert!(matches!(result, Err(RsaAesError::NotTheKey)), "{result:?}"),
        }
    }
}

#[tokio::test]
async fn another_key_than_the_one_shown_is_noticed_by_the_viewer() {
    // Someone in between shows the server's key, and holds another.
    let [(shown, _), (held, _)] = [PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap()];
    let (near, mut far) = duplex(1 << 16);
    let between = async {
        far.write_all(shown.public().as_bytes()).await.unwrap();
        let viewer = read_key(&mut far).await;
        let mut random = [0; 2 + 256];
        far.read_exact(&mut random).await.unwrap();
        // It cannot read this, but can do as if.
        let theirs = held.decrypt(&random[2..], 16).unwrap();
        let ours = viewer.encrypt(&[1; 16]).unwrap();
        far.write_all(&[&256u16.to_be_bytes()[..], &ours].concat()).await.unwrap();
        let hash = aws_lc_rs::digest::digest(
            &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY,
            &[&theirs[..], &[1; 16]].concat(),
        );
        let mut key = [0; 32];
        key[..20].copy_from_slice(hash.as_ref());
        let mut out = Vec::new();
        cipher::Cipher::new(AesBits::Aes128, &key).seal([&[0; 20][..]].into_iter(), &mut out);
        far.write_all(&out).await.unwrap();
        far
    };
    let viewer = async {
        let unsealed = start_rsa_aes(Stream::from_io(near), AesBits::Aes128).await.unwrap();
        unsealed.into_sealed().await
    };
    let (_far, result) = tokio::join!(between, viewer);
    assert!(matches!(result, Err(RsaAesError::NotTheKey)), "{result:?}");
}

#[tokio::test]
async fn a_viewer_that_leaves_at_any_byte_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let rsa_aes = server(&dir);
    let (own, _) = PrivateKey::generate().unwrap();
    let public = own.public().as_bytes();
    let all = [public, &256u16.to_be_bytes(), &[0x77; 256], &20u16.to_be_bytes(), &[0; 35]].concat();
    for end in 0..all.len() {
        let said = &all[..end];
        let result = accept(&rsa_aes, AesBits::Aes128, |mut io| async move {
            io.write_all(said).await.unwrap();
            io.shutdown().await.unwrap();
            let _ = io.read_to_end(&mut Vec::new()).await;
        });
        let error = result.await.unwrap_err();
        assert!(matches!(error, RsaAesError::Closed), "{end}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_not_endless() {
    let (own, _) = PrivateKey::generate().unwrap();
    let (near, _far) = duplex(100);
    let result = start_rsa_aes(Stream::from_io(near), AesBits::Aes128).await;
    assert!(matches!(result, Err(RsaAesError::TimedOut)), "{result:?}");
    let (near, mut far) = duplex(1 << 16);
    far.write_all(own.public().as_bytes()).await.unwrap();
    let unsealed = start_rsa_aes(Stream::from_io(near), AesBits::Aes128).await.unwrap();
    let result = unsealed.into_sealed().await;
    assert!(matches!(result, Err(RsaAesError::TimedOut)), "{result:?}");
}
