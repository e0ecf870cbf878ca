//! The pages for machines that watch: /health/live, /health/ready, /metrics.

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use tokio::runtime::Handle;

use crate::http::home::AtHome;
use crate::service::health::{Readiness, Status};
use crate::telemetry;
use crate::telemetry::metrics::{METRICS_MEDIA_TYPE, Metrics};

/// Adds the pages to a server; probes are at home in the given runtime.
pub fn configure(
    routes: &mut web::ServiceConfig,
    readiness: &Arc<Readiness>,
    metrics: &Metrics,
    runtime: &Handle,
) {
    routes
        .app_data(web::Data::new(runtime.clone()))
        .app_data(web::Data::from(Arc::clone(readiness)))
        .app_data(web::Data::new(metrics.clone()))
        .route("/health/live", web::get().to(live))
        .route("/health/ready", web::get().to(ready))
        .route("/metrics", web::get().to(metrics_text));
}

/// The process answers; nothing behind it is asked, so that a database outage restarts nobody.
async fn live() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(serde_json::json!({"status": "pass"}))
}

/// Each probe's finding; 503 when one fails.
async fn ready(readiness: web::Data<Readiness>, runtime: web::Data<Handle>) -> HttpResponse {
    let report = AtHome::new(&runtime, Box::pin(readiness.report())).await;
    let mut answer = match report.status {
        Status::Pass | Status::Warn => HttpResponse::Ok(),
        Status::Fail => HttpResponse::ServiceUnavailable(),
    };
    answer.insert_header((CACHE_CONTROL, "no-store")).json(report)
}

async fn metrics_text(metrics: web::Data<Metrics>) -> HttpResponse {
    match metrics.text() {
        Ok(text) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, METRICS_MEDIA_TYPE))
            .insert_header((CACHE_CONTROL, "no-store"))
            .body(text),
        Err(error) => {
            tracing::error!(error = %telemetry::chain(&error), "metrics cannot be written as text");
            HttpResponse::InternalServerError().finish()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::health::{Finding, Probe};
    use actix_web::App;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use futures_util::future::BoxFuture;
    use serde_json::{Value, json};

    struct Database(Finding);

    impl Probe for Database {
        fn name(&self) -> &'static str {
            "database"
        }

        fn check(&self) -> BoxFuture<'_, Finding> {
            Box::pin(async { self.0.clone() })
        }
    }

    async fn page(path: &str, finding: Finding) -> (u16, String) {
        let readiness = Arc::new(Readiness::new(vec![Arc::new(Database(finding))]));
        let metrics = Metrics::default();
        metrics
            .counter("onedoor_tries_total", "tries", &[])
            .unwrap()
            .with_label_values::<&str>(&[])
            .inc();
        let app = init_service(
            App::new().configure(|routes| configure(routes, &readiness, &metrics, &Handle::current())),
        )
        .await;
        let answer = call_service(&app, TestRequest::get().uri(path).to_request()).await;
        let status = answer.status().as_u16();
        (
            status,
            String::from_utf8(read_body(answer).await.to_vec()).unwrap(),
        )
    }

    #[actix_web::test]
    async fn ready_tells_each_probe_and_answers_503_when_one_fails() {
        let (status, body) = page("/health/ready", Finding::fail("cannot be written")).await;
        assert_eq!(status, 503);
        let body: Value = serde_json::from_str(&body).unwrap();
        let check = json!({"name": "database", "status": "fail", "detail": "cannot be written"});
        assert_eq!(body, json!({"status": "fail", "checks": [check]}));
        assert_eq!(
            page("/health/ready", Finding::warn("next year is provisional"))
                .await
                .0,
            200
        );
    }

    #[actix_web::test]
    async fn live_asks_nobody_and_metrics_are_prometheus_text() {
        assert_eq!(page("/health/live", Finding::fail("gone")).await.0, 200);
        let (status, body) = page("/metrics", Finding::pass()).await;
        assert_eq!((status, body.contains("onedoor_tries_total 1")), (200, true));
    }
}
