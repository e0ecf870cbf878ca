//! The bare peer of G1: an actix handler that reads a body and answers with given bytes, and nothing else.

use std::path::PathBuf;

use actix_web::http::StatusCode;
use actix_web::{App, HttpResponse, HttpServer, web};
use clap::Parser;

/// Answers every POST of /graphql with the same bytes.
#[derive(Parser)]
struct Arguments {
    /// Loopback port to listen on.
    #[arg(long)]
    port: u16,
    /// File with the body of every answer.
    #[arg(long)]
    body: PathBuf,
    /// A header of every answer, as `name: value`; may be repeated.
    #[arg(long = "header")]
    headers: Vec<String>,
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let body = web::Bytes::from(std::fs::read(&arguments.body)?);
    let headers: Vec<(String, String)> = arguments
        .headers
        .iter()
        .filter_map(|header| header.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    HttpServer::new(move || {
        let (body, headers) = (body.clone(), headers.clone());
        let answer = web::post().to(move |_request: web::Bytes| {
            let (body, headers) = (body.clone(), headers.clone());
            async move {
                let mut answer = HttpResponse::build(StatusCode::OK);
                for header in headers {
                    answer.insert_header(header);
                }
                answer.body(body)
            }
        });
        App::new().route("/graphql", answer)
    })
    .bind(("127.0.0.1", arguments.port))?
    .run()
    .await
}
