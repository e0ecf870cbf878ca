//! The fault proxy does what it says, to open connections as well as to new ones.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::harness::fault_proxy::{Fault, FaultProxy};

const SOON: Duration = Duration::from_millis(150);

#[actix_web::test]
async fn bytes_pass_in_both_directions() {
    let (proxy, _echo) = proxied_echo().await;
    let mut caller = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(said(&mut caller, b"hello").await.unwrap(), b"hello");
    assert_eq!(proxy.connections(), 1);
}

#[actix_web::test]
async fn a_closed_connection_is_closed_on_the_other_side_too() {
    let (proxy, _echo) = proxied_echo().await;
    let mut caller = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(said(&mut caller, b"hello").await.unwrap(), b"hello");
    caller.shutdown().await.unwrap();
    assert_eq!(caller.read(&mut [0; 8]).await.unwrap(), 0);
}

#[actix_web::test]
async fn a_delay_delays_each_piece() {
    let (proxy, _echo) = proxied_echo().await;
    let mut caller = TcpStream::connect(proxy.address()).await.unwrap();
    proxy.set(Fault::Delay(Duration::from_millis(60)));
    let started = Instant::now();
    assert_eq!(said(&mut caller, b"slow").await.unwrap(), b"slow");
    assert!(
        started.elapsed() >= Duration::from_millis(120),
        "{:?}",
        started.elapsed()
    );
}

#[actix_web::test]
async fn a_stall_holds_bytes_back_and_loses_none() {
    let (proxy, _echo) = proxied_echo().await;
    let mut caller = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(said(&mut caller, b"before").await.unwrap(), b"before");
    proxy.set(Fault::Stall);
    caller.write_all(b"during").await.unwrap();
    assert!(
        tokio::time::timeout(SOON, caller.read(&mut [0; 6]))
            .await
            .is_err(),
        "nothing may pass"
    );
    proxy.heal();
    let mut answer = [0; 6];
    caller.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"during");
}

#[actix_web::test]
async fn an_answer_is_cut_after_its_first_bytes() {
    let (proxy, _echo) = proxied_echo().await;
    proxy.set(Fault::CutAnswerAfter(3));
    let mut caller = TcpStream::connect(proxy.address()).await.unwrap();
    caller.write_all(b"hello").await.unwrap();
    let mut answer = Vec::new();
    let error = caller.read_to_end(&mut answer).await.unwrap_err();
    assert_eq!(
        (answer.as_slice(), error.kind()),
        (&b"hel"[..], ErrorKind::ConnectionReset)
    );
}

#[actix_web::test]
async fn a_request_is_cut_before_it_is_complete() {
    let (proxy, _echo) = proxied_echo().await;
    proxy.set(Fault::CutRequestAfter(0));
    let mut caller = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(
        said(&mut caller, b"hello").await.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
}

#[actix_web::test]
async fn a_lost_answer_was_still_asked_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = FaultProxy::to(listener.local_addr().unwrap().port());
    proxy.set(Fault::LoseAnswers);
    let mut caller = TcpStream::connect(proxy.address()).await.unwrap();
    caller.write_all(b"act").await.unwrap();
    let (mut callee, _) = listener.accept().await.unwrap();
    let mut request = [0; 3];
    callee.read_exact(&mut request).await.unwrap();
    callee.write_all(b"acted").await.unwrap();
    assert_eq!(&request, b"act");
    assert!(
        tokio::time::timeout(SOON, caller.read(&mut [0; 8]))
            .await
            .is_err(),
        "the answer may not arrive"
    );
    proxy.heal();
    assert_eq!(
        caller.read(&mut [0; 8]).await.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
}

#[actix_web::test]
async fn a_black_hole_swallows_and_what_fell_in_stays_lost() {
    let (proxy, _echo) = proxied_echo().await;
    let mut caller = TcpStream::connect(proxy.address()).await.unwrap();
    proxy.set(Fault::BlackHole);
    caller.write_all(b"hello").await.unwrap();
    assert!(
        tokio::time::timeout(SOON, caller.read(&mut [0; 8]))
            .await
            .is_err(),
        "nothing may answer"
    );
    proxy.heal();
    assert_eq!(
        caller.read(&mut [0; 8]).await.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    let mut anew = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(said(&mut anew, b"again").await.unwrap(), b"again");
}

#[actix_web::test]
async fn a_reset_breaks_open_connections_and_new_ones() {
    let (proxy, _echo) = proxied_echo().await;
    let mut caller = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(said(&mut caller, b"hello").await.unwrap(), b"hello");
    proxy.set(Fault::Reset);
    assert_eq!(
        caller.read(&mut [0; 8]).await.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    let refused = match TcpStream::connect(proxy.address()).await {
        Ok(mut anew) => said(&mut anew, b"hello").await.is_err(),
        Err(_refused) => true,
    };
    assert!(refused);
}

/// A proxy before a server that says back what it hears.
async fn proxied_echo() -> (FaultProxy, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = FaultProxy::to(listener.local_addr().unwrap().port());
    let echo = actix_web::rt::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            actix_web::rt::spawn(async move {
                let (mut read, mut write) = stream.split();
                drop(tokio::io::copy(&mut read, &mut write).await);
            });
        }
    });
    (proxy, echo)
}

/// Says something and gives the echo.
async fn said(stream: &mut TcpStream, words: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(words).await?;
    let mut answer = vec![0; words.len()];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}
