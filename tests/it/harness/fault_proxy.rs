//! A TCP proxy on loopback that does to a connection what networks do.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What happens to bytes. It holds for open connections too, from the moment it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fault {
    /// Bytes pass.
    #[default]
    None,
    /// Every piece passes after this delay, in both directions.
    Delay(Duration),
    /// Nothing passes; what was held back passes when the fault ends.
    Stall,
    /// The connection is reset after this many bytes of the request.
    CutRequestAfter(usize),
    /// The connection is reset after this many bytes of the answer.
    CutAnswerAfter(usize),
    /// Requests pass and answers are lost: the far side acts and nobody hears of it. Lost is lost.
    LoseAnswers,
    /// Everything is swallowed and nothing answers. Lost is lost.
    BlackHole,
    /// Open connections are reset and new ones too.
    Reset,
}

/// The proxy; it listens until dropped, on a thread of its own so that a busy test does not slow it.
pub(crate) struct FaultProxy {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    accepted: Arc<AtomicUsize>,
    ended: Option<(watch::Sender<bool>, JoinHandle<()>)>,
}

impl FaultProxy {
    /// Listens on a free port and passes everything on to `target`, a port on loopback.
    pub(crate) fn to(target: u16) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (fault, seen) = watch::channel(Fault::None);
        let (end, ending) = watch::channel(false);
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&accepted);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(serve(listener, target, seen, ending, counter));
        });
        Self {
            address,
            fault,
            accepted,
            ended: Some((end, thread)),
        }
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port it listens on.
    pub(crate) const fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on this happens.
    pub(crate) fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// From now on all is well.
    pub(crate) fn heal(&self) {
        self.set(Fault::None);
    }

    /// How many connections were made so far.
    pub(crate) fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.ended.take() {
            end.send_replace(true);
            drop(thread.join());
        }
    }
}

async fn serve(
    listener: std::net::TcpListener,
    target: u16,
    fault: watch::Receiver<Fault>,
    mut ending: watch::Receiver<bool>,
    accepted: Arc<AtomicUsize>,
) {
    let listener = TcpListener::from_std(listener).unwrap();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = ending.changed() => return,
            Some(_) = connections.join_next() => {}
            incoming = listener.accept() => {
                let Ok((caller, _)) = incoming else { continue };
                accepted.fetch_add(1, Ordering::SeqCst);
                connections.spawn(carry(caller, target, fault.clone()));
            }
        }
    }
}

/// Carries one connection until it ends or is broken.
async fn carry(caller: TcpStream, target: u16, mut fault: watch::Receiver<Fault>) {
    if *fault.borrow_and_update() == Fault::Reset {
        return reset(caller);
    }
    let Ok(callee) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else {
        return reset(caller);
    };
    drop(caller.set_nodelay(true));
    drop(callee.set_nodelay(true));
    let ((caller_read, caller_write), (callee_read, callee_write)) =
        (caller.into_split(), callee.into_split());
    let mut requests = Lane::new(Way::Request, caller_read, callee_write, fault.clone());
    let mut answers = Lane::new(Way::Answer, callee_read, caller_write, fault);
    if tokio::try_join!(requests.run(), answers.run()).is_err() {
        reset(requests.from.reunite(answers.to).unwrap());
        reset(answers.from.reunite(requests.to).unwrap());
    }
}

/// Ends a connection with RST instead of FIN.
fn reset(stream: TcpStream) {
    let stream = stream.into_std().unwrap();
    drop(socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)));
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Request,
    Answer,
}

/// The connection must be reset.
struct Broken;

/// One direction of a connection.
struct Lane {
    way: Way,
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    changes: watch::Receiver<Fault>,
    fault: Fault,
    /// Bytes carried since the fault was set.
    carried: usize,
    /// Whether bytes were swallowed: such a connection can never be right again.
    lossy: bool,
}

impl Lane {
    fn new(way: Way, from: OwnedReadHalf, to: OwnedWriteHalf, mut changes: watch::Receiver<Fault>) -> Self {
        let fault = *changes.borrow_and_update();
        Self {
            way,
            from,
            to,
            changes,
            fault,
            carried: 0,
            lossy: false,
        }
    }

    /// Carries bytes until the sender is done.
    async fn run(&mut self) -> Result<(), Broken> {
        let mut piece = vec![0; 16 * 1024];
        loop {
            let read = tokio::select! {
                biased;
                changed = self.changes.changed() => {
                    changed.or(Err(Broken))?;
                    self.adopt()?;
                    continue;
                }
                read = self.from.read(&mut piece), if self.fault != Fault::Stall => read.or(Err(Broken))?,
            };
            if read > 0 {
                self.carry(&piece[..read]).await?;
            } else if self.swallows() {
                self.lossy = true;
                self.change().await?;
            } else {
                return self.to.shutdown().await.or(Err(Broken));
            }
        }
    }

    /// Does to one piece what the fault says, and what the next fault says when it comes meanwhile.
    async fn carry(&mut self, piece: &[u8]) -> Result<(), Broken> {
        loop {
            match (self.fault, self.way) {
                (Fault::Reset, _) => return Err(Broken),
                (Fault::Stall, _) => self.change().await?,
                (Fault::Delay(delay), _) => match tokio::time::timeout(delay, self.changes.changed()).await {
                    Ok(_) => self.adopt()?,
                    Err(_elapsed) => return self.pass(piece).await,
                },
                (Fault::CutRequestAfter(bytes), Way::Request)
                | (Fault::CutAnswerAfter(bytes), Way::Answer) => {
                    let left = bytes.saturating_sub(self.carried).min(piece.len());
                    self.pass(&piece[..left]).await?;
                    return if self.carried >= bytes {
                        Err(Broken)
                    } else {
                        Ok(())
                    };
                }
                (Fault::BlackHole, _) | (Fault::LoseAnswers, Way::Answer) => {
                    self.lossy = true;
                    return Ok(());
                }
                (
                    Fault::None | Fault::CutRequestAfter(_) | Fault::CutAnswerAfter(_) | Fault::LoseAnswers,
                    _,
                ) => {
                    return self.pass(piece).await;
                }
            }
        }
    }

    async fn pass(&mut self, piece: &[u8]) -> Result<(), Broken> {
        self.carried += piece.len();
        self.to.write_all(piece).await.or(Err(Broken))
    }

    async fn change(&mut self) -> Result<(), Broken> {
        self.changes.changed().await.or(Err(Broken))?;
        self.adopt()
    }

    fn adopt(&mut self) -> Result<(), Broken> {
        self.fault = *self.changes.borrow_and_update();
        self.carried = 0;
        if self.lossy || self.fault == Fault::Reset {
            Err(Broken)
        } else {
            Ok(())
        }
    }

    fn swallows(&self) -> bool {
        self.fault == Fault::BlackHole || (self.fault == Fault::LoseAnswers && self.way == Way::Answer)
    }
}
