//! The section `[attachments]`: uploaded documents, where they lie and what looks at them.

use std::path::{Path, PathBuf};

use onedoor_domain::document::FileKind;
use serde::{Deserialize, Serialize};
use url::Url;

use super::fault::Faults;
use super::secret_source;

/// Uploaded documents.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttachmentsConfig {
    /// Folder of the encrypted files; empty: in the data folder.
    pub dir: PathBuf,
    /// Largest file.
    pub file_max_bytes: u32,
    /// Media types that are taken.
    pub types: Vec<String>,
    /// How long a ticket to upload can be used.
    pub upload_ticket_s: u32,
    /// How long a ticket to download can be used.
    pub download_ticket_s: u32,
    /// Documents of one case or application.
    pub files_per_case_max: u32,
    /// Documents that one principal may ask tickets for within a day.
    pub files_per_day_max: u32,
    /// Uploads received at once.
    pub uploads_max: u32,
    /// An upload slower than this is cut.
    pub upload_min_bytes_per_s: u32,
    /// An S3-compatible store instead of the folder.
    pub s3: S3Config,
    /// What looks at documents before anybody may download them.
    pub scanner: ScannerConfig,
}

/// An S3-compatible store.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Config {
    /// Its address.
    pub endpoint: String,
    /// The bucket; empty: the folder is used.
    pub bucket: String,
    /// The region that requests are signed for.
    pub region: String,
    /// File with the key id.
    pub access_key_file: PathBuf,
    /// File with the secret key.
    pub secret_key_file: PathBuf,
    /// Whether the bucket stands in the path.
    pub path_style: bool,
}

/// A scanner.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScannerConfig {
    /// `host:port` of a clamd; empty: none.
    pub clamd: String,
    /// How long it may take for one file.
    pub timeout_ms: u64,
}

impl AttachmentsConfig {
    /// The kinds of file that are taken.
    #[must_use]
    pub fn kinds(&self) -> Vec<FileKind> {
        let known = self.types.iter().filter_map(|text| FileKind::of_media_type(text));
        known.collect()
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        faults.within(
            "attachments.file_max_bytes",
            self.file_max_bytes,
            &(1_000..=1_000_000_000),
        );
        if self.types.is_empty() || self.kinds().len() != self.types.len() {
            faults.at(
                "attachments.types",
                "must list media types that can be told by how files begin; the comment names them",
            );
        }
        faults.within(
            "attachments.upload_ticket_s",
            self.upload_ticket_s,
            &(10..=86_400),
        );
        faults.within(
            "attachments.download_ticket_s",
            self.download_ticket_s,
            &(10..=3_600),
        );
        faults.within(
            "attachments.files_per_case_max",
            self.files_per_case_max,
            &(1..=10_000),
        );
        faults.within(
            "attachments.files_per_day_max",
            self.files_per_day_max,
            &(1..=1_000_000),
        );
        faults.within("attachments.uploads_max", self.uploads_max, &(1..=1_000));
        faults.within(
            "attachments.upload_min_bytes_per_s",
            self.upload_min_bytes_per_s,
            &(100..=100_000_000),
        );
        faults.within(
            "attachments.scanner.timeout_ms",
            self.scanner.timeout_ms,
            &(100..=600_000),
        );
        let clamd = &self.scanner.clamd;
        let named = clamd
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        if !clamd.is_empty() && !named {
            faults.at("attachments.scanner.clamd", "must be host:port");
        }
        self.s3.check(faults);
    }
}

impl S3Config {
    fn check(&self, faults: &mut Faults) {
        if self.bucket.is_empty() {
            if !self.endpoint.is_empty() {
                faults.at("attachments.s3.bucket", "must be set together with endpoint");
            }
            return;
        }
        let fits = Url::parse(&self.endpoint)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !fits {
            faults.at(
                "attachments.s3.endpoint",
                "must be https://host or http://host:port",
            );
        }
        for (path, file) in [
            ("attachments.s3.access_key_file", &self.access_key_file),
            ("attachments.s3.secret_key_file", &self.secret_key_file),
        ] {
            if file == Path::new("") {
                faults.at(path, "must name a file");
            } else if let Err(reason) = secret_source::file(file) {
                faults.at(path, reason);
            }
        }
    }
}
