//! Sends prepared requests over a fixed number of kept-alive connections and tells what came back, as JSON.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

type Failure = Box<dyn std::error::Error>;

/// A closed-loop load: each connection sends its next request when the answer to the last one is complete.
#[derive(Parser)]
struct Arguments {
    /// Address of the server, as 127.0.0.1:8080.
    #[arg(long)]
    to: String,
    /// Path of the requests.
    #[arg(long, default_value = "/graphql")]
    path: String,
    /// File with one JSON body a line; sent in order, round and round unless --once.
    #[arg(long)]
    bodies: PathBuf,
    /// The lines are paths to GET instead of bodies to POST.
    #[arg(long)]
    get: bool,
    /// Stop when every body was sent once.
    #[arg(long)]
    once: bool,
    /// Stop after this many seconds.
    #[arg(long, default_value_t = 3_600.0)]
    seconds: f64,
    /// Connections, each with one request at a time.
    #[arg(long, default_value_t = 1)]
    connections: usize,
    /// A header of every request, as `name: value`; may be repeated.
    #[arg(long = "header")]
    headers: Vec<String>,
    /// Every answer must have exactly the body in this file.
    #[arg(long)]
    same_as: Option<PathBuf>,
    /// Every answer must contain this text.
    #[arg(long)]
    containing: Option<String>,
}

/// What every connection shares.
struct Work {
    requests: Vec<Vec<u8>>,
    next: usize,
    once: bool,
    deadline: Instant,
    same_as: Option<Vec<u8>>,
    containing: Option<Vec<u8>>,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    right: usize,
    wrong: usize,
    broken: usize,
    first_wrong: Option<String>,
    first_answer: Option<Answer>,
    latencies_us: Vec<u128>,
}

#[derive(Clone)]
struct Answer {
    head: String,
    body: Vec<u8>,
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let bodies = std::fs::read_to_string(&arguments.bodies)?;
    let requests = bodies.lines().map(|body| request(&arguments, body)).collect();
    let work = Rc::new(RefCell::new(Work {
        requests,
        next: 0,
        once: arguments.once,
        deadline: Instant::now() + Duration::from_secs_f64(arguments.seconds),
        same_as: arguments.same_as.as_ref().map(std::fs::read).transpose()?,
        containing: arguments
            .containing
            .as_ref()
            .map(|text| text.clone().into_bytes()),
        tally: Tally::default(),
    }));
    let started = Instant::now();
    let tasks = LocalSet::new();
    for _ in 0..arguments.connections {
        let (work, to) = (Rc::clone(&work), arguments.to.clone());
        tasks.spawn_local(async move {
            if let Err(failure) = converse(&to, &work).await {
                let tally = &mut work.borrow_mut().tally;
                tally.broken += 1;
                tally.first_wrong.get_or_insert(failure.to_string());
            }
        });
    }
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(tasks);
    report(&mut work.borrow_mut().tally, started.elapsed());
    Ok(())
}

/// One whole HTTP/1.1 request.
fn request(arguments: &Arguments, body: &str) -> Vec<u8> {
    let to = &arguments.to;
    let mut head = if arguments.get {
        format!("GET {body} HTTP/1.1\r\nhost: {to}\r\n")
    } else {
        format!(
            "POST {} HTTP/1.1\r\nhost: {to}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
            arguments.path,
            body.len()
        )
    };
    for header in &arguments.headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    let body = if arguments.get { "" } else { body };
    format!("{head}\r\n{body}").into_bytes()
}

/// One connection's life.
async fn converse(to: &str, work: &RefCell<Work>) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(64 * 1024);
    loop {
        let Some(request) = work.borrow_mut().take() else {
            return Ok(());
        };
        let sent = Instant::now();
        stream.write_all(&request).await?;
        let answer = receive(&mut stream, &mut buffer).await?;
        work.borrow_mut().judge(answer, sent.elapsed());
    }
}

/// Reads one answer with a content-length.
async fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Answer, Failure> {
    buffer.clear();
    loop {
        if let Some(head_end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let (head, rest) = buffer.split_at(head_end + 4);
            let head = String::from_utf8(head.to_vec())?;
            let length = content_length(&head).ok_or("an answer without content-length")?;
            if rest.len() >= length {
                return Ok(Answer {
                    body: rest.to_vec(),
                    head,
                });
            }
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err("the server closed the connection".into());
        }
    }
}

fn content_length(head: &str) -> Option<usize> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
}

impl Work {
    fn take(&mut self) -> Option<Vec<u8>> {
        if Instant::now() >= self.deadline || (self.once && self.next >= self.requests.len()) {
            return None;
        }
        let request = self.requests.get(self.next % self.requests.len().max(1)).cloned();
        self.next += 1;
        request
    }

    fn judge(&mut self, answer: Answer, latency: Duration) {
        let same = self.same_as.as_ref().is_none_or(|body| *body == answer.body);
        let contains = self.containing.as_ref().is_none_or(|text| {
            answer
                .body
                .windows(text.len())
                .any(|window| window == text.as_slice())
        });
        let tally = &mut self.tally;
        tally.latencies_us.push(latency.as_micros());
        if ["HTTP/1.1 200 ", "HTTP/1.1 202 "]
            .iter()
            .any(|ok| answer.head.starts_with(ok))
            && same
            && contains
        {
            tally.right += 1;
        } else {
            tally.wrong += 1;
            let body = String::from_utf8_lossy(&answer.body)
                .chars()
                .take(600)
                .collect::<String>();
            tally.first_wrong.get_or_insert(format!("{}{body}", answer.head));
        }
        tally.first_answer.get_or_insert(answer);
    }
}

#[expect(clippy::print_stdout, reason = "the report is this program's answer")]
fn report(tally: &mut Tally, elapsed: Duration) {
    tally.latencies_us.sort_unstable();
    let count = tally.latencies_us.len();
    let quantile = |percent: usize| {
        tally
            .latencies_us
            .get((count * percent / 100).min(count.saturating_sub(1)))
            .copied()
    };
    let first = tally.first_answer.as_ref();
    let report = json!({
        "right": tally.right,
        "wrong": tally.wrong,
        "broken_connections": tally.broken,
        "first_wrong": tally.first_wrong,
        "seconds": elapsed.as_secs_f64(),
        "p50_us": quantile(50),
        "p99_us": quantile(99),
        "head": first.map(|answer| answer.head.clone()),
        "body": first.map(|answer| String::from_utf8_lossy(&answer.body).into_owned()),
    });
    println!("{report}");
}
