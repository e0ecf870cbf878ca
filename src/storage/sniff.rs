//! Tells what kind of file bytes are, by how they begin and nothing more: no archive is unpacked, no picture is drawn.

use onedoor_domain::document::FileKind;

/// Bytes of a file's beginning that are looked at.
pub const HEAD_BYTES: usize = 8_192;
/// Where the length of the first entry's name stands in a ZIP file, and where the name begins.
const NAME_LENGTH_AT: usize = 26;
const NAME_AT: usize = 30;

/// Whether a file that begins like this is of a kind.
#[must_use]
pub fn is(kind: FileKind, head: &[u8]) -> bool {
    match kind {
        FileKind::Pdf => infer::archive::is_pdf(head) && head.starts_with(b"%PDF-"),
        FileKind::Jpeg => infer::image::is_jpeg(head),
        FileKind::Png => infer::image::is_png(head) && head.starts_with(b"\x89PNG\r\n\x1a\n"),
        FileKind::Heic => infer::image::is_heif(head),
        FileKind::Ofd => begins_with_entry(head, &["OFD.xml", "Doc_0/"]),
        FileKind::Docx => infer::doc::is_docx(head) || begins_with_entry(head, &["word/"]),
        FileKind::Xlsx => infer::doc::is_xlsx(head) || begins_with_entry(head, &["xl/"]),
    }
}

/// Whether a ZIP file's first entry is one of these.
fn begins_with_entry(head: &[u8], names: &[&str]) -> bool {
    let Some(&[low, high]) = head.get(NAME_LENGTH_AT..NAME_LENGTH_AT + 2) else {
        return false;
    };
    let length = usize::from(u16::from_le_bytes([low, high]));
    let name = head.get(NAME_AT..NAME_AT + length);
    infer::archive::is_zip(head)
        && name.is_some_and(|name| names.iter().any(|known| name.starts_with(known.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zip(first: &str) -> Vec<u8> {
        let mut head = b"PK\x03\x04".to_vec();
        head.resize(NAME_LENGTH_AT, 0);
        head.extend(u16::try_from(first.len()).unwrap().to_le_bytes());
        head.resize(NAME_AT, 0);
        head.extend(first.as_bytes());
        head.resize(400, 0);
        head
    }

    #[test]
    fn files_are_told_by_their_first_bytes() {
        assert!(is(FileKind::Pdf, b"%PDF-1.7\n"));
        assert!(is(FileKind::Jpeg, b"\xff\xd8\xff\xe0\0\x10JFIF\0"));
        assert!(is(FileKind::Png, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"));
        assert!(is(FileKind::Heic, b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"));
        assert!(is(FileKind::Ofd, &zip("OFD.xml")));
        assert!(is(FileKind::Docx, &zip("word/document.xml")));
        assert!(is(FileKind::Xlsx, &zip("xl/workbook.xml")));
    }

    #[test]
    fn a_program_or_page_under_another_name_is_none_of_them() {
        for strange in [
            &b""[..],
            b"MZ\x90\0\x03",
            b"<!doctype html><script>",
            b"<svg xmlns='http://www.w3.org/2000/svg'>",
            b"<%PDF-1.7",
            b"\x7fELF\x02",
            b"#!/bin/sh\n",
            b"GIF89a",
            b"PK\x03\x04",
            &zip("META-INF/MANIFEST.MF"),
        ] {
            for kind in FileKind::ALL {
                assert!(!is(*kind, strange), "{kind:?} {strange:?}");
            }
        }
    }
}
