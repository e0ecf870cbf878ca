//! docs/metrics.md names every metric and every field of the log; dashboards and searches rely on them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::page::assert_page;
use super::source::{SourceFile, assert_none, rust_files};

/// The fields of log lines, beside time, level, target and message.
const LOG_FIELDS: &[(&str, &str)] = &[
    ("audit.entries", "entries of an export of the audit log"),
    ("case.id", "opaque key of a case"),
    (
        "checkpoint.heads",
        "how many chains a checkpoint of the ledger signs",
    ),
    ("checkpoint.seq", "number of a checkpoint of the ledger"),
    (
        "correlation.id",
        "joins the lines of one request, its answer and a caller's complaint",
    ),
    ("delivery.attempt", "which attempt of a delivery"),
    ("delivery.id", "opaque key of a delivery"),
    ("delivery.operation", "what a delivery asks its upstream to do"),
    ("detail", "what a probe found"),
    ("document.id", "opaque key of an uploaded document"),
    ("elapsed_ms", "time of an attempt towards an upstream system"),
    ("error", "an error without its causes"),
    ("error.cause", "chain of causes behind an error that left"),
    ("error.code", "code of the error table (docs/errors.md)"),
    ("finding", "what an inquiry at an upstream system found"),
    ("hint.topic", "topic of a hint between replicas"),
    ("http.bytes", "size of an upstream system's answer"),
    ("http.method", "method of a request"),
    (
        "graphql.operation.kind",
        "query, mutation or subscription; on spans",
    ),
    (
        "graphql.operation.name",
        "registered name of a document, never a caller's word; on spans",
    ),
    ("http.route", "route of a request, never its query string"),
    ("http.status", "status of an answer"),
    ("import.added", "rows that an import added"),
    ("import.changed", "rows that an import changed"),
    ("import.kind", "what was imported"),
    ("issuer.name", "our name for an issuer of tokens"),
    ("kiosk.id", "opaque key of a kiosk"),
    (
        "ledger.fault",
        "what is wrong with the ledger of a case, as a code",
    ),
    ("ledger.records", "records of an export of the ledger"),
    ("ledger.seq", "first line of a ledger that does not hold"),
    ("limit.name", "which limit was reached, as in the metrics"),
    ("loop.name", "name of a background loop"),
    ("mutations.running", "mutations that a stop waits for"),
    (
        "otel.kind",
        "whether a span answers somebody (server) or asks somebody (client); on spans",
    ),
    ("outcome.class", "how an attempt towards an upstream system ended"),
    ("panic.location", "where in the code a panic began"),
    ("probe.name", "name of a probe of /health/ready"),
    (
        "reason",
        "why a delivery waits or ended, or a comparison failed, as a code",
    ),
    (
        "reconciliation.checked",
        "cases that a comparison with an upstream asked for",
    ),
    ("reconciliation.differing", "of these with a difference"),
    ("reconciliation.id", "opaque key of a comparison with an upstream"),
    (
        "reconciliation.resolved",
        "differences that a comparison found gone",
    ),
    (
        "reconciliation.unanswered",
        "cases without a readable answer in a comparison",
    ),
    (
        "reconciliation.unsettled",
        "cases about which something was on its way during a comparison",
    ),
    ("redis.fault", "kind of a fault of Redis"),
    (
        "removed.audit",
        "old entries of the audit log that retention removed",
    ),
    ("rekeyed.removed", "retired data keys that a rotation removed"),
    ("rekeyed.retired", "data keys that a rotation retired"),
    ("rekeyed.sealed", "values that a rotation sealed anew"),
    ("rekeyed.wrapped", "data keys that a rotation wrapped anew"),
    ("removed.changes", "changes of the feed that retention removed"),
    ("removed.deliveries", "finished deliveries that retention removed"),
    ("removed.drafts", "drafts that retention removed"),
    (
        "removed.idempotency",
        "idempotency records that retention removed",
    ),
    ("removed.notices", "settled notices that retention removed"),
    (
        "removed.reconciliations",
        "comparisons and settled differences that retention removed",
    ),
    ("task.name", "name of a supervised task"),
    ("thread.name", "name of a thread that panicked"),
    ("token.refusal", "why a token was refused, as a code"),
    ("upstream.id", "name of an upstream system"),
];

/// A metric as the code registers it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) labels: String,
    help: String,
}

#[test]
fn the_page_of_metrics_is_what_the_code_registers() {
    assert_page("docs/metrics.md", "UPDATE_DOCS", &page());
}

#[test]
fn metrics_are_named_by_one_rule() {
    let faults: Vec<String> = registered()
        .into_iter()
        .filter(|metric| {
            (metric.kind == "counter") != metric.name.ends_with("_total")
                || (metric.kind == "histogram" && !metric.name.ends_with("_seconds"))
        })
        .map(|metric| metric.name)
        .collect();
    assert_none(&faults, "counters end with _total, durations with _seconds");
}

#[test]
fn the_fields_of_the_log_are_a_closed_list() {
    let known: BTreeSet<&str> = LOG_FIELDS.iter().map(|(name, _)| *name).collect();
    let used = log_fields();
    let unknown: Vec<String> = used
        .iter()
        .filter(|name| !known.contains(name.as_str()))
        .cloned()
        .collect();
    assert_none(
        &unknown,
        "a field of the log is listed in LOG_FIELDS with its meaning",
    );
    let unused: Vec<String> = known
        .iter()
        .filter(|name| !used.contains(**name))
        .map(|name| (*name).to_owned())
        .collect();
    assert_none(&unused, "a listed field of the log is still written");
}

fn page() -> String {
    let mut text = String::from(
        "# Metrics and log fields 指标与日志字段\n\n\
         <!-- Written by the code: UPDATE_DOCS=1 with the contract tests. -->\n\n\
         ## Metrics of `/metrics`\n\n\
         Labels hold closed sets of words, never an id, a code or a person's data. A metric with labels shows up \
         with its first event.\n\n| metric | kind | labels | what it tells |\n|---|---|---|---|\n",
    );
    for Metric {
        name,
        kind,
        labels,
        help,
    } in registered()
    {
        writeln!(
            text,
            "| `{name}` | {kind} | {labels} | {} |",
            help.trim_end_matches('.')
        )
        .unwrap();
    }
    text.push_str(
        "\n## Fields of the log\n\nBeside `timestamp`, `level`, `target` and `message`. None holds personal data.\n\n\
         | field | what it tells |\n|---|---|\n",
    );
    for (name, meaning) in LOG_FIELDS {
        writeln!(text, "| `{name}` | {meaning} |").unwrap();
    }
    text
}

/// Every metric that the gateway's code registers, by name.
pub(crate) fn registered() -> Vec<Metric> {
    let mut found: Vec<Metric> = sources().iter().flat_map(metrics_of).collect();
    found.sort();
    found.dedup();
    found
}

fn sources() -> Vec<SourceFile> {
    let product = |file: &SourceFile| !file.path.contains("/tests") && !file.path.starts_with("src/sandbox");
    rust_files(&["src"]).into_iter().filter(product).collect()
}

fn metrics_of(file: &SourceFile) -> Vec<Metric> {
    let code = file.text.split("#[cfg(test)]").next().unwrap_or_default();
    code.match_indices("\"onedoor_")
        .filter_map(|(at, _)| {
            let before = code[..at].trim_end();
            let call = before
                .trim_end_matches("Opts::new(")
                .trim_end()
                .trim_end_matches("Histogram");
            let kind = [
                ("counter(", "counter"),
                ("gauge(", "gauge"),
                ("seconds(", "gauge"),
                ("histogram(", "histogram"),
                ("IntCounterVec::new(", "counter"),
                ("IntGaugeVec::new(", "gauge"),
                ("HistogramVec::new(", "histogram"),
            ]
            .into_iter()
            .find_map(|(ending, kind)| call.trim_end().ends_with(ending).then_some(kind))?;
            let mut literals = code[at..].split('"').skip(1).step_by(2);
            let (name, help) = (literals.next()?, literals.next()?);
            let after = &code[at..];
            let list = after.split_once("&[")?.1.split_once(']')?.0;
            let labels: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
            Some(Metric {
                name: name.to_owned(),
                kind,
                labels: labels.join(", "),
                help: help.to_owned(),
            })
        })
        .collect()
}

/// The names of the fields of all log lines and spans.
fn log_fields() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in sources() {
        let code: String = file
            .code_lines()
            .into_iter()
            .map(|(_, line)| format!("{line} "))
            .collect();
        for call in ["error!(", "warn!(", "info!(", "debug!(", "trace!(", "_span!("] {
            for (at, _) in code.match_indices(call) {
                found.extend(
                    arguments(&code[at + call.len()..])
                        .iter()
                        .filter_map(|text| field(text)),
                );
            }
        }
    }
    found
}

/// The arguments of a call, up to its closing parenthesis.
fn arguments(code: &str) -> Vec<String> {
    let (mut depth, mut found, mut current) = (0_u32, Vec::new(), String::new());
    for letter in code.chars() {
        match letter {
            ')' | ']' | '}' if depth == 0 => break,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(std::mem::take(&mut current));
                continue;
            }
            _ => {}
        }
        current.push(letter);
    }
    found.push(current);
    found
}

/// `a.b = …`, `%a` or `a.b`.
fn field(argument: &str) -> Option<String> {
    let (name, value) = argument.split_once('=').unwrap_or((argument, ""));
    let name = name.trim().trim_start_matches(['%', '?']);
    let is_name = !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter == '.' || letter == '_');
    (is_name && !value.starts_with('=')).then(|| name.to_owned())
}
