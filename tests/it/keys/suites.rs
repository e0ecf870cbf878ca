//! A second library judges the suite `gm`: OpenSSL's command line, in both directions.
//!
//! OpenSSL 3.0 has no SM4-GCM there; it is put together from its SM4 (CTR and single blocks) and the GHASH of
//! NIST SP 800-38D, written down here.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use onedoor::secret::Redacted;
use onedoor::secret::key_file::Key;
use onedoor::secret::suite::gm::USER_ID;
use onedoor::secret::suite::{Suite, SuiteName};

/// Begins the private key of RFC 5915, and ends with the curve of SM2; the public point follows.
const PRIVATE_FRONT: &str = "30770201010420";
const PRIVATE_CURVE: &str = "a00a06082a811ccf5501822da144034200";
const PUBLIC_FRONT: &str = "3059301306072a8648ce3d020106082a811ccf5501822d034200";

fn gm() -> &'static dyn Suite {
    SuiteName::Gm.provider()
}

fn key(seed: u8) -> Key {
    Redacted::new(core::array::from_fn(|at| (at as u8).wrapping_mul(37) ^ seed))
}

/// Runs `openssl` with bytes on its stdin.
fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl is installed");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}");
    output.stdout
}

fn messages() -> Vec<Vec<u8>> {
    [0, 1, 15, 16, 17, 55, 56, 63, 64, 65, 1000]
        .into_iter()
        .map(|length: usize| (0..length).map(|at| (at * 7) as u8).collect())
        .collect()
}

#[test]
fn sm3_and_hmac_sm3_are_openssls() {
    let key = key(1);
    let option = format!("hexkey:{}", hex::encode(key.expose()));
    for message in messages() {
        let hash = openssl(&["dgst", "-sm3", "-binary"], &message);
        assert_eq!(gm().hash(&message).as_slice(), hash, "{} bytes", message.len());
        let mac = openssl(
            &["dgst", "-sm3", "-mac", "HMAC", "-macopt", &option, "-binary"],
            &message,
        );
        assert_eq!(
            gm().mac(&key, &message).as_slice(),
            mac,
            "{} bytes",
            message.len()
        );
    }
}

/// GCM of SP 800-38D over OpenSSL's SM4: nonce, ciphertext, tag.
fn theirs(key: &Key, nonce: [u8; 12], aad: &[u8], value: &[u8]) -> Vec<u8> {
    let key = hex::encode(&key.expose()[..16]);
    let block = |bytes: &[u8]| -> u128 {
        let sealed = openssl(&["enc", "-sm4-ecb", "-K", &key, "-nopad"], bytes);
        u128::from_be_bytes(sealed.try_into().unwrap())
    };
    let counter = |number: u32| [nonce.as_slice(), &number.to_be_bytes()].concat();
    let ciphertext = match value {
        [] => Vec::new(),
        value => openssl(
            &[
                "enc",
                "-sm4-ctr",
                "-K",
                &key,
                "-iv",
                &hex::encode(counter(2)),
                "-nopad",
            ],
            value,
        ),
    };
    let tag = ghash(block(&[0; 16]), aad, &ciphertext) ^ block(&counter(1));
    [nonce.as_slice(), &ciphertext, &tag.to_be_bytes()].concat()
}

fn ghash(h: u128, aad: &[u8], ciphertext: &[u8]) -> u128 {
    let bits = |bytes: &[u8]| (bytes.len() as u128) * 8;
    let lengths = ((bits(aad) << 64) | bits(ciphertext)).to_be_bytes();
    let mut y = 0;
    for part in [aad, ciphertext, &lengths] {
        for chunk in part.chunks(16) {
            let mut block = [0; 16];
            block[..chunk.len()].copy_from_slice(chunk);
            y = times(y ^ u128::from_be_bytes(block), h);
        }
    }
    y
}

/// Multiplication in the field of GCM, its bits in the order of SP 800-38D §6.3.
fn times(x: u128, y: u128) -> u128 {
    let (mut z, mut v) = (0, y);
    for bit in (0..128).rev() {
        if (x >> bit) & 1 == 1 {
            z ^= v;
        }
        v = (v >> 1) ^ if v & 1 == 1 { 0xe1 << 120 } else { 0 };
    }
    z
}

#[test]
fn sm4_gcm_is_openssls_in_both_directions() {
    let cipher = gm().cipher(&key(2)).unwrap();
    for message in messages() {
        for aad in [b"".as_slice(), b"bound to this", &[7; 40]] {
            let sealed = theirs(&key(2), [9; 12], aad, &message);
            assert_eq!(cipher.open(aad, &sealed).unwrap(), message, "theirs, opened here");
            let sealed = cipher.seal(aad, &message).unwrap();
            let nonce = sealed[..12].try_into().unwrap();
            assert_eq!(theirs(&key(2), nonce, aad, &message), sealed, "ours, made there");
        }
    }
}

#[test]
fn sm2_signatures_are_openssls_in_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (seed, signer) = (key(3), gm().signer(&key(3)).unwrap());
    let point = hex::encode(signer.public_key());
    let private = format!(
        "{PRIVATE_FRONT}{}{PRIVATE_CURVE}{point}",
        hex::encode(seed.expose())
    );
    fs::write(path("private.der"), hex::decode(private).unwrap()).unwrap();
    fs::write(
        path("public.der"),
        hex::decode(format!("{PUBLIC_FRONT}{point}")).unwrap(),
    )
    .unwrap();
    let who = format!("distid:{USER_ID}");
    let common = ["-keyform", "DER", "-rawin", "-digest", "sm3", "-pkeyopt", &who];
    for message in messages().into_iter().filter(|message| !message.is_empty()) {
        fs::write(path("message"), &message).unwrap();
        let (file, key) = (path("message"), path("private.der"));
        let signed = openssl(
            &[
                ["pkeyutl", "-sign", "-inkey", &key, "-in", &file].as_slice(),
                &common,
            ]
            .concat(),
            b"",
        );
        assert!(
            gm().verify(signer.public_key(), &message, &raw(&signed)),
            "theirs, verified here"
        );
        let ours = signer.sign(&message).unwrap();
        assert!(verifies(folder.path(), &common, &ours), "ours, verified there");
        let mut altered = ours.clone();
        altered[40] ^= 1;
        assert!(
            !verifies(folder.path(), &common, &altered),
            "an altered one does not hold there"
        );
    }
}

fn verifies(folder: &Path, common: &[&str], signature: &[u8]) -> bool {
    fs::write(folder.join("signature"), der(signature)).unwrap();
    let status = Command::new("openssl")
        .args([
            "pkeyutl",
            "-verify",
            "-pubin",
            "-inkey",
            "public.der",
            "-in",
            "message",
        ])
        .args(["-sigfile", "signature"])
        .args(common)
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.unwrap().success()
}

/// r ‖ s of 32 bytes each, from the DER sequence of two integers.
fn raw(der: &[u8]) -> Vec<u8> {
    let integer = |at: usize| {
        let length = der[at + 1] as usize;
        let bytes = &der[at + 2..at + 2 + length];
        let bytes = bytes.strip_prefix(&[0]).unwrap_or(bytes);
        (
            [vec![0; 32 - bytes.len()], bytes.to_vec()].concat(),
            at + 2 + length,
        )
    };
    let (r, behind) = integer(2);
    let (s, _) = integer(behind);
    [r, s].concat()
}

fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let mut body = bytes[zeros..].to_vec();
        if body.first().is_none_or(|byte| *byte >= 0x80) {
            body.insert(0, 0);
        }
        [vec![2, body.len() as u8], body].concat()
    };
    let (r, s) = signature.split_at(32);
    let body = [integer(r), integer(s)].concat();
    [vec![0x30, body.len() as u8], body].concat()
}
