//! Pages of the documentation that the code writes: compared in every run, rewritten when asked.

use std::fs;

use super::source::root;
use crate::harness::files::setting;

/// Fails when a page is not what the code says. `UPDATE_SCHEMA=1` or `UPDATE_DOCS=1` writes it instead.
pub(crate) fn assert_page(path: &str, update: &str, text: &str) {
    let file = root().join(path);
    if setting(update).is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        return;
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    let differs = kept
        .lines()
        .zip(text.lines())
        .position(|(kept, now)| kept != now)
        .unwrap_or_else(|| kept.lines().count().min(text.lines().count()));
    assert!(
        kept == text,
        "{path} is not what the code says, first in line {}; look at the change, then run with {update}=1",
        differs + 1
    );
}
