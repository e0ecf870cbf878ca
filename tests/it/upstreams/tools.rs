//! `onedoor upstream probe|record|replay` as a person calls them, against systems that listen.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use onedoor::secret::Redacted;
use onedoor::upstream::recording::Recording;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::certificates::Authority;
use super::fixture::Department;
use super::raw::Request;
use super::talker::{Talker, json as answer};
use crate::harness::process::onedoor_beside;

const TOKEN: &str = "token-of-the-tools-story";

/// A folder with one description, and the settings that lead to it.
struct Desk {
    folder: TempDir,
    settings: Vec<(String, String)>,
}

impl Desk {
    fn with(description: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        fs::create_dir(folder.path().join("upstreams")).unwrap();
        fs::write(folder.path().join("upstreams/hr.toml"), description).unwrap();
        // another one's faults are not this one's
        fs::write(
            folder.path().join("upstreams/other.toml"),
            "name = \"other\"\nroles = 7",
        )
        .unwrap();
        let settings = vec![
            ("ONEDOOR__DATA_DIR".to_owned(), at("data")),
            ("ONEDOOR__UPSTREAMS__DIR".to_owned(), at("upstreams")),
            ("HR_TOKEN".to_owned(), TOKEN.to_owned()),
        ];
        Self { folder, settings }
    }

    fn describe(&self, description: &str) {
        fs::write(self.folder.path().join("upstreams/hr.toml"), description).unwrap();
    }

    fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn call(&self, arguments: &[&str]) -> (ExitStatus, String, String) {
        let mut whole = vec!["upstream"];
        whole.extend_from_slice(arguments);
        whole.push("--demo");
        let called = onedoor_beside(&whole, &self.settings).await;
        for text in [&called.1, &called.2] {
            assert!(!text.contains(TOKEN), "{text}");
        }
        called
    }

    async fn probe(&self) -> (Option<i32>, Value) {
        let (status, stdout, stderr) = self.call(&["probe", "hr", "--json"]).await;
        let report =
            serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"));
        (status.code(), report)
    }

    /// Probes and gives the step that failed, with everything it says.
    async fn failed(&self) -> (String, String) {
        let (code, report) = self.probe().await;
        assert_eq!((code, &report["ok"]), (Some(1), &json!(false)), "{report}");
        let steps = report["steps"].as_array().unwrap();
        let failed: Vec<&Value> = steps.iter().filter(|step| step["state"] == "failed").collect();
        assert_eq!(failed.len(), 1, "{report}");
        assert!(failed[0]["advice"]["zh"].is_string() && failed[0]["advice"]["en"].is_string());
        (
            failed[0]["name"].as_str().unwrap().to_owned(),
            failed[0].to_string(),
        )
    }
}

fn description(base_url: &str, more: &str) -> String {
    format!(
        r#"
        name = "hr"
        title_zh = "县人社局"
        title_en = "County HR"
        protocol = "county-rest"
        base_url = "{base_url}"
        roles = ["county.human-resources"]
        operator_contact = "0552-0000000"
        idempotency = "native"
        allow_addresses = ["127.0.0.1", "::1"]
        timeout_ms = 2_000
        connect_timeout_ms = 500
        {more}
        "#
    )
}

const BEARER: &str = "[auth]\nbearer = { env = \"HR_TOKEN\" }";

async fn department() -> Department {
    let department =
        Department::open_with(|settings| settings.bearer_token = Redacted::new(TOKEN.to_owned())).await;
    department.told(json!({ "mode": "callback-never" })).await;
    department
}

fn step<'a>(report: &'a Value, name: &str) -> &'a Value {
    let steps = report["steps"].as_array().unwrap();
    steps.iter().find(|step| step["name"] == name).unwrap()
}

#[actix_web::test]
async fn a_probe_says_of_each_step_how_it_went_and_changes_nothing() {
    let department = department().await;
    let desk = Desk::with(&description(&department.url("/"), BEARER));
    let (status, stdout, stderr) = desk.call(&["probe", "hr"]).await;
    assert_eq!(status.code(), Some(0), "{stdout}{stderr}");
    for line in [
        "ok      configuration",
        "HR_TOKEN: found",
        "in allow_addresses 127.0.0.1/32",
        "ABSENT",
        "HTTP 200",
    ] {
        assert!(stdout.contains(line), "{line} in {stdout}");
    }
    let (code, report) = desk.probe().await;
    assert_eq!(
        (code, &report["ok"], &report["upstream"]),
        (Some(0), &json!(true), &json!("hr"))
    );
    let states: Vec<String> = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            format!(
                "{} {}",
                step["name"].as_str().unwrap(),
                step["state"].as_str().unwrap()
            )
        })
        .collect();
    let expected = [
        "configuration ok",
        "secrets ok",
        "address ok",
        "connection ok",
        "tls skipped",
        "authorization ok",
        "question ok",
        "clock ok",
    ];
    assert_eq!(states, expected);
    assert!(
        department.applications().await.is_empty(),
        "nothing was handed over"
    );
    let (status, stdout, stderr) = desk.call(&["probe", "hr", "--send"]).await;
    assert_eq!(status.code(), Some(0), "{stdout}");
    assert!(stderr.contains("test system only"), "{stderr}");
    assert!(
        stdout.contains("submission") && stdout.contains("ACCEPTED"),
        "{stdout}"
    );
    assert_eq!(department.applications().await.len(), 1);
    department.close().await;
}

#[actix_web::test]
async fn a_probe_names_the_step_that_fails_and_what_to_do() {
    let department = department().await;
    let url = department.url("/");
    let good = description(&url, BEARER);
    let mut desk = Desk::with(&good.replace("idempotency = \"native\"", "idempotency = \"maybe\"\nzzz = 1"));
    let (name, said) = desk.failed().await;
    assert_eq!(name, "configuration");
    assert!(
        said.contains("idempotency") && said.contains("zzz") && !said.contains("other.toml"),
        "{said}"
    );

    desk.describe(&good.replace("HR_TOKEN", "HR_TOKEN_ABSENT"));
    let (name, said) = desk.failed().await;
    assert_eq!(name, "secrets");
    assert!(said.contains("HR_TOKEN_ABSENT: is not set"), "{said}");

    desk.describe(&good.replace("\"127.0.0.1\", \"::1\"", "\"10.1.0.0/16\""));
    let (name, said) = desk.failed().await;
    assert_eq!(name, "address");
    assert!(
        said.contains("127.0.0.1: refused, loopback 127.0.0.0/8 is not in allow_addresses"),
        "{said}"
    );
    desk.describe(&description("http://no-such-host.invalid/", BEARER));
    assert_eq!(desk.failed().await.0, "address");

    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    desk.describe(&description(&format!("http://{closed}/"), BEARER));
    assert_eq!(desk.failed().await.0, "connection");

    desk.describe(&good);
    desk.set("HR_TOKEN", "another-token-of-the-story");
    let (name, said) = desk.failed().await;
    assert_eq!(name, "question");
    assert!(
        said.contains("HELD UNAUTHENTICATED") && said.contains("[auth]"),
        "{said}"
    );
    department.close().await;

    let (status, _, stderr) = desk.call(&["probe", "absent"]).await;
    assert_eq!(status.code(), Some(1), "{stderr}");
}

#[actix_web::test]
async fn a_probe_tells_tokens_and_certificates_without_showing_them() {
    let (theirs, ours) = (Authority::new("Their CA"), Authority::new("Our CA"));
    let own = ours.signs("onedoor.example", 2099);
    let endpoint = Talker::answering(|_, _| async {
        answer(
            "200 OK",
            r#"{"access_token":"granted-in-the-story","expires_in":3600}"#,
        )
    })
    .await;
    let auth = format!(
        r#"
        [auth.oauth2]
        token_url = "{}/token"
        client_id = "one"
        client_secret = {{ env = "HR_TOKEN" }}
        [auth.tls]
        certificate = {{ env = "HR_CERTIFICATE" }}
        key = {{ env = "HR_KEY" }}
        authority = {{ env = "HR_AUTHORITY" }}
        "#,
        endpoint.url()
    );
    let listing = |_, _: Request| async { answer("200 OK", r#"{"applications":[]}"#) };
    let acceptor = theirs.signs("127.0.0.1", 2099).acceptor(Some(&ours));
    let system = Talker::over_tls(acceptor, listing).await;
    let mut desk = Desk::with(&description(&system.url(), &auth));
    desk.set("HR_CERTIFICATE", &own.pem());
    desk.set("HR_KEY", &own.key_pem());
    desk.set("HR_AUTHORITY", &theirs.pem());
    let (code, report) = desk.probe().await;
    assert_eq!(code, Some(0), "{report:#}");
    let tls = step(&report, "tls").to_string();
    assert!(
        tls.contains("TLSv1_3") && tls.contains("ends 2099-12-31"),
        "{tls}"
    );
    assert!(tls.contains("our certificate was asked for and sent"), "{tls}");
    let token = step(&report, "authorization").to_string();
    assert!(token.contains("a token was granted and is used for 3"), "{token}");
    assert!(!report.to_string().contains("granted-in-the-story"));
    assert_eq!(step(&report, "clock")["state"], "skipped", "it names no time");
    assert_eq!(
        system.asked()[0].certificate.as_deref(),
        Some(own.certificate.der().as_ref())
    );

    let expired = Talker::over_tls(theirs.signs("127.0.0.1", 2021).acceptor(None), listing).await;
    desk.describe(&description(&expired.url(), &auth));
    let (name, said) = desk.failed().await;
    assert!(name == "tls" && said.to_lowercase().contains("expired"), "{said}");
    let stranger = Authority::new("Nobody").signs("onedoor.example", 2099);
    desk.set("HR_CERTIFICATE", &stranger.pem());
    desk.set("HR_KEY", &stranger.key_pem());
    desk.describe(&description(&system.url(), &auth));
    assert_eq!(desk.failed().await.0, "tls", "ours is not believed");
}

fn files_of(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read(&path).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

#[actix_web::test]
async fn what_was_recorded_is_played_again_without_the_system() {
    let department = department().await;
    let desk = Desk::with(&description(&department.url("/"), BEARER));
    let out = desk.path("recorded");
    let (status, stdout, stderr) = desk.call(&["record", "hr", "--out", out.to_str().unwrap()]).await;
    assert_eq!(status.code(), Some(0), "{stdout}{stderr}");
    assert!(stderr.contains("test system only"), "{stderr}");
    let files = files_of(&out);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let operations = [
        "find",
        "poll",
        "query",
        "submit",
        "supplement",
        "transition",
        "withdraw",
    ];
    for name in operations
        .iter()
        .flat_map(|one| [format!("{one}.request.http"), format!("{one}.answer.http")])
    {
        assert!(names.contains(&name.as_str()), "{name} in {names:?}");
    }
    for (name, bytes) in &files {
        let text = String::from_utf8_lossy(bytes);
        for secret in [TOKEN, "测试甲", "11010519491231002X", "13800000000", "怀远县某镇"] {
            assert!(!text.contains(secret), "{secret} in {name}: {text}");
        }
    }
    let script = Recording::open(&out).unwrap().script;
    assert_eq!(script.exchange.len(), operations.len());
    assert!(
        script.exchange[0].expect.starts_with("ACCEPTED"),
        "{:?}",
        script.exchange[0]
    );
    department.close().await;

    let replay = ["replay", "hr", out.to_str().unwrap()];
    let (status, stdout, stderr) = desk.call(&replay).await;
    assert_eq!(status.code(), Some(0), "{stdout}{stderr}");
    // nothing is overwritten, and nothing is sent to find that out
    let again = desk.call(&["record", "hr", "--out", out.to_str().unwrap()]).await;
    assert_eq!(again.0.code(), Some(1));
    assert!(again.2.contains("nothing is overwritten"), "{}", again.2);
    assert_eq!(files_of(&out), files);
    // bytes that changed are told by their place
    let path = out.join("submit.request.http");
    let changed = fs::read_to_string(&path).unwrap().replace("灵活就业", "其他就业");
    fs::write(&path, changed).unwrap();
    let (status, stdout, _) = desk.call(&replay).await;
    assert_eq!(status.code(), Some(1));
    assert!(stdout.contains("body $.form.employment: recorded"), "{stdout}");
}

#[actix_web::test]
async fn a_recording_of_a_described_system_hides_what_its_description_names() {
    let system = Talker::answering(|_, request: Request| async move {
        let said = String::from_utf8_lossy(&request.body).into_owned();
        let body =
            json!({ "code": "0", "data": { "applyNo": "A-7", "contact": "王五", "echo": said } }).to_string();
        let plain = String::from_utf8(answer("200 OK", &body)).unwrap();
        plain
            .replace("connection: close", "set-cookie: session=very-secret-cookie")
            .into_bytes()
    })
    .await;
    let options = r#"
        [options]
        redact = ["case.form.bank", "$.data.contact"]
        [options.sample.form]
        bank = "6222020000000001"
        [options.read]
        success = { path = "$.code", is = "0" }
        external_id = "$.data.applyNo"
        [options.operations.submit]
        path = "/apply"
        body = """{ "who": {{ case.applicant.name }}, "bank": {{ case.form.bank }}, "no": {{ case.case_number }} }"""
    "#;
    let template =
        description(&system.url(), &format!("{BEARER}\n{options}")).replace("county-rest", "template");
    let desk = Desk::with(&template);
    let out = desk.path("recorded");
    let record = [
        "record",
        "hr",
        "--operation",
        "submit",
        "--out",
        out.to_str().unwrap(),
    ];
    let (status, stdout, stderr) = desk.call(&record).await;
    assert_eq!(status.code(), Some(0), "{stdout}{stderr}");
    assert_eq!(files_of(&out).len(), 3);
    for (name, bytes) in files_of(&out) {
        let text = String::from_utf8(bytes).unwrap();
        for secret in [TOKEN, "测试甲", "6222020000000001", "王五", "very-secret-cookie"] {
            assert!(!text.contains(secret), "{secret} in {name}: {text}");
        }
    }
    let sent = system.requests()[0].clone();
    assert!(
        String::from_utf8_lossy(&sent.body).contains("6222020000000001"),
        "the system itself saw all of it"
    );
    let replay = ["replay", "hr", out.to_str().unwrap()];
    assert_eq!(desk.call(&replay).await.0.code(), Some(0));
    desk.describe(&template.replace("\"/apply\"", "\"/v2/apply\""));
    let (status, stdout, _) = desk.call(&replay).await;
    assert_eq!(status.code(), Some(1));
    assert!(
        stdout.contains("request line: recorded POST /apply HTTP/1.1, now POST /v2/apply HTTP/1.1"),
        "{stdout}"
    );

    // a system that repeats our token is not written down
    let echo = Talker::answering(|_, request: Request| async move {
        let shown = request.header("authorization").unwrap_or_default().to_owned();
        answer(
            "200 OK",
            &json!({ "code": "0", "data": { "applyNo": "A-7", "you": shown } }).to_string(),
        )
    })
    .await;
    desk.describe(&template.replace(&system.url(), &echo.url()));
    let out = desk.path("echoed");
    let record = [
        "record",
        "hr",
        "--operation",
        "submit",
        "--out",
        out.to_str().unwrap(),
    ];
    let (status, _, stderr) = desk.call(&record).await;
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("a secret stands"), "{stderr}");
    assert!(files_of(&out).is_empty());
}

#[actix_web::test]
async fn a_shipped_folder_is_replayed_by_the_name_of_its_system() {
    let mut desk = Desk::with("name = \"hr\"");
    desk.set("ONEDOOR__UPSTREAMS__DIR", "config/upstreams");
    for (name, folder) in [
        ("street-hall", "template_json"),
        ("city-hotline", "template_form"),
        ("county-hr", "county_rest"),
    ] {
        let folder = format!("tests/upstreams/{folder}");
        let (status, stdout, stderr) = desk.call(&["replay", name, &folder]).await;
        assert_eq!(status.code(), Some(0), "{stdout}{stderr}");
        assert!(stdout.contains("same    taken over: ACCEPTED"), "{stdout}");
    }
    let (status, _, stderr) = desk
        .call(&["replay", "street-hall", "tests/upstreams/template_form"])
        .await;
    assert_eq!(
        status.code(),
        Some(1),
        "another system's folder differs: {stderr}"
    );
}
