//! The published examples of the standards.

use sm4::cipher::{BlockDecrypt as _, BlockEncrypt as _};

use super::*;
use crate::secret::Redacted;

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex.replace([' ', '\n'], "")).unwrap()
}

/// GB/T 32905-2016 annex A, examples 1 and 2.
#[test]
fn sm3_examples_of_gb_t_32905() {
    let expected = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
    assert_eq!(hex::encode(Gm.hash(b"abc")), expected);
    let expected = "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732";
    assert_eq!(hex::encode(Gm.hash("abcd".repeat(16).as_bytes())), expected);
}

/// GB/T 32907-2016 annex A: example 1, and example 2, which encrypts a million times.
#[test]
fn sm4_examples_of_gb_t_32907() {
    let key = bytes("0123456789abcdeffedcba9876543210");
    let cipher = Sm4::new_from_slice(&key).unwrap();
    let mut block = sm4::cipher::Block::<Sm4>::clone_from_slice(&key);
    cipher.encrypt_block(&mut block);
    assert_eq!(hex::encode(block), "681edf34d206965e86b3e94f536e4246");
    cipher.decrypt_block(&mut block);
    assert_eq!(block.as_slice(), key);
    for _ in 0..1_000_000 {
        cipher.encrypt_block(&mut block);
    }
    assert_eq!(hex::encode(block), "595298c7c6fd271f0402f804c33d3f66");
}

/// RFC 8998 appendix A.1.
#[test]
fn sm4_gcm_example_of_rfc_8998() {
    let mut key = [0xee; 32];
    key[..16].copy_from_slice(&bytes("0123456789abcdeffedcba9876543210"));
    let nonce: [u8; 12] = bytes("00001234567800000000abcd").try_into().unwrap();
    let aad = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let value = bytes(
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd
         eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
    );
    let expected = bytes(
        "00001234567800000000abcd
         17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735
         d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d
         83de3541e4c2b58177e065a9bf7b62ec",
    );
    let cipher = Sm4Gcm(AesGcm::new_from_slice(&key[..16]).unwrap());
    assert_eq!(cipher.seal_with(nonce, &aad, &value).unwrap(), expected);
    let cipher = Gm.cipher(&Redacted::new(key)).unwrap();
    assert_eq!(cipher.open(&aad, &expected).unwrap(), value);
}

/// GB/T 32918.5-2017 annex A.2: the recommended curve, user id 1234567812345678, the message "message digest". Its random
/// number is fixed there, so its signature is verified; ours, with another number, must hold under the same key.
#[test]
fn sm2_signature_example_of_gb_t_32918_5() {
    let seed = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
    let seed = Redacted::new(bytes(seed).try_into().unwrap());
    let signer = Gm.signer(&seed).unwrap();
    assert_eq!(
        hex::encode(signer.public_key()),
        "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020\
         ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
    );
    let published = bytes(
        "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3
         b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa",
    );
    assert!(Gm.verify(signer.public_key(), b"message digest", &published));
    assert!(!Gm.verify(signer.public_key(), b"message digesT", &published));
    let ours = signer.sign(b"message digest").unwrap();
    assert!(Gm.verify(signer.public_key(), b"message digest", &ours));
}
