//! What an attempt leaves behind in logs and metrics: one line, honest counts, nobody's data.

use std::io;
use std::sync::{Arc, Mutex};

use onedoor::upstream::driver::Driver;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::fixture::{APPLICANT_NAME, BEARER, Department, metrics_of, submission};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

async fn log_of(driver: &Driver, times: usize) -> String {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(lines.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    for _ in 0..times {
        driver.send(&submission()).await;
    }
    drop(guard);
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[actix_web::test]
async fn an_attempt_leaves_one_line_and_no_personal_data_at_any_level() {
    let department = Department::open().await;
    let upstream = department.upstream("");
    // A log line is registered when it is first reached; if another test's thread does that at the same moment, it
    // may stay off for a subscriber of this thread. Reaching it once beforehand keeps that out of the test.
    upstream.driver().send(&submission()).await;
    department
        .told(json!({ "mode": "answer", "status": 422, "times": 1 }))
        .await;
    let log = log_of(upstream.driver(), 2).await;
    let ended: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("an attempt to deliver ended"))
        .collect();
    assert_eq!(ended.len(), 2, "{log}");
    assert!(
        ended[0].contains("REJECTED") && ended[1].contains("ACCEPTED"),
        "{ended:?}"
    );
    let case = submission().case;
    let private = [
        APPLICANT_NAME,
        &case.applicant.id_number,
        case.applicant.phone.as_deref().unwrap(),
        "按测试要求拒绝",
        BEARER,
        "whsec_",
    ];
    for text in private {
        assert!(!log.contains(text), "{text} is in the log");
    }
    department.close().await;
}

#[actix_web::test]
async fn attempts_are_counted_by_outcome_and_the_breaker_is_shown() {
    let department = Department::open().await;
    let (upstream, registry) = metrics_of(&department.url("/"), "[breaker]\nfailures = 2\nrest_ms = 60_000");
    department.told(json!({ "mode": "answer", "status": 500 })).await;
    for _ in 0..3 {
        upstream.driver().send(&submission()).await;
    }
    let text = prometheus::TextEncoder::new()
        .encode_to_string(&registry.gather())
        .unwrap();
    let labels = r#"purpose="deliver",upstream="county-hr""#;
    for line in [
        format!(r#"onedoor_upstream_requests_total{{outcome="AMBIGUOUS",{labels}}} 2"#),
        format!(r#"onedoor_upstream_requests_total{{outcome="NOT_SENT",{labels}}} 1"#),
        format!(r#"onedoor_upstream_requests_total{{outcome="ACCEPTED",{labels}}} 0"#),
        format!("onedoor_upstream_request_seconds_count{{{labels}}} 3"),
        r#"onedoor_upstream_breaker_state{upstream="county-hr"} 2"#.to_owned(),
    ] {
        assert!(text.contains(&line), "{line} is not in\n{text}");
    }
    department.close().await;
}
