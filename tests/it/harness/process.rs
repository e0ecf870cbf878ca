//! The real binary as a process: started with settings by environment, killed, frozen, started again.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::files::free_port;
use super::people;
use super::wait::{PATIENCE, eventually, until};
use super::world::World;

/// What can be sent to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Terminate,
    Interrupt,
    Quit,
    Kill,
    Stop,
    Continue,
}

/// Sends a signal to a process that this test started.
pub(crate) fn signal(pid: u32, signal: Signal) {
    let name = match signal {
        Signal::Terminate => "TERM",
        Signal::Interrupt => "INT",
        Signal::Quit => "QUIT",
        Signal::Kill => "KILL",
        Signal::Stop => "STOP",
        Signal::Continue => "CONT",
    };
    // the shell's own kill: no package has to be there for it, and no unsafe code here
    let sent = Command::new("sh")
        .args(["-c", "kill -s \"$1\" \"$2\"", "sh", name, &pid.to_string()])
        .status()
        .unwrap();
    assert!(sent.success(), "cannot send SIG{name} to {pid}");
    if matches!(signal, Signal::Stop) {
        // it is on its way; each thread stops when it next meets the kernel
        let deadline = Instant::now() + PATIENCE;
        while !has_stopped(pid) {
            assert!(Instant::now() < deadline, "{pid} does not stop");
            std::thread::yield_now();
        }
    }
}

/// Whether every thread of a process stands still.
fn has_stopped(pid: u32) -> bool {
    fs::read_dir(format!("/proc/{pid}/task")).is_ok_and(|mut threads| {
        threads.all(|thread| {
            thread
                .and_then(|thread| fs::read_to_string(thread.path().join("stat")))
                .is_ok_and(|stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')))
        })
    })
}

/// A command that dies with the thread that starts it, so that a killed test leaves nothing running.
pub(crate) fn tied(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}

/// Waits until a child has ended, without blocking the runtime.
pub(crate) async fn wait_for_exit(child: &mut Child, what: &str, within: Duration) -> ExitStatus {
    eventually(what, within, async || child.try_wait().unwrap()).await
}

/// The gateway as a process of its own. Start it on the test's own thread: it dies with that thread.
pub(crate) struct Gateway {
    child: Option<Child>,
    address: SocketAddr,
    settings: Vec<(String, String)>,
    launcher: Vec<String>,
    log_file: PathBuf,
}

impl Gateway {
    /// Starts `onedoor serve --demo` in a world and waits until it is ready. `extra` wins over the world's settings.
    pub(crate) async fn start(world: &World, extra: &[(&str, &str)]) -> Self {
        let mut gateway = Self::prepare(world, extra);
        gateway.launch();
        gateway.wait_until_ready().await;
        gateway
    }

    /// Chooses port, log and settings, and starts nothing yet.
    pub(crate) fn prepare(world: &World, extra: &[(&str, &str)]) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut settings = world.settings();
        settings.push(("ONEDOOR__SERVER__LISTEN".to_owned(), address.to_string()));
        settings.extend(
            extra
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let log_file = world.folder().join(format!("gateway-{}.log", address.port()));
        Self {
            child: None,
            address,
            settings,
            launcher: Vec::new(),
            log_file,
        }
    }

    /// Where it listens; the same after a restart.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("the gateway runs").id()
    }

    /// Adds or replaces a setting for the next start, for example FAILPOINTS.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Starts it through another program that becomes it, as `unshare`.
    pub(crate) fn through(&mut self, launcher: &[&str]) {
        self.launcher = launcher.iter().map(|&word| word.to_owned()).collect();
    }

    /// Waits until it is ready, or has ended before that; then gives how.
    pub(crate) async fn ready_or_ended(&mut self) -> Option<ExitStatus> {
        let url = format!("http://{}/health/ready", self.address);
        let http = super::gql::http_client();
        let child = self.child.as_mut().expect("the gateway runs");
        let ended = eventually("the gateway is ready or ends", PATIENCE, async || {
            if let Some(status) = child.try_wait().unwrap() {
                return Some(Some(status));
            }
            let answer = http.get(&url).send().await;
            answer
                .is_ok_and(|answer| answer.status().is_success())
                .then_some(None)
        })
        .await;
        if ended.is_some() {
            self.child = None;
        }
        ended
    }

    /// Waits for so long whether it ends by itself, for example at a failpoint; gives how.
    pub(crate) async fn ends_within(&mut self, time: Duration) -> Option<ExitStatus> {
        let child = self.child.as_mut().expect("the gateway runs");
        let end = eventually("the gateway ends", time + PATIENCE, async || {
            child.try_wait().unwrap()
        });
        let status = tokio::time::timeout(time, end).await.ok();
        if status.is_some() {
            self.child = None;
        }
        status
    }

    /// Starts the process and does not wait for it.
    pub(crate) fn launch(&mut self) {
        assert!(self.child.is_none(), "the gateway runs already");
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log_file)
            .unwrap();
        let mut command = self.launcher.iter().map(String::as_str).chain([binary()]);
        let child = tied(command.next().expect("at least the binary"))
            .args(command)
            .args(["serve", "--demo"])
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// Starts it again on the same data and port.
    pub(crate) async fn start_again(&mut self) {
        self.launch();
        self.wait_until_ready().await;
    }

    /// Waits for a 200 of /health/ready; shows the log when the process ends before.
    pub(crate) async fn wait_until_ready(&mut self) {
        let url = format!("http://{}/health/ready", self.address);
        let http = super::gql::http_client();
        let log_file = self.log_file.clone();
        let child = self.child.as_mut().expect("the gateway runs");
        until("the gateway is ready", PATIENCE, async || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the gateway ended with {status}:\n{}", tail(&log_file));
            }
            http.get(&url)
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
        })
        .await;
    }

    /// Ends it between any two instructions.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("the gateway runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Asks it to stop in order and gives its exit status.
    pub(crate) async fn terminate(&mut self, within: Duration) -> ExitStatus {
        signal(self.pid(), Signal::Terminate);
        self.wait_for_exit(within).await
    }

    /// Waits for an end that something else causes, for example a failpoint.
    pub(crate) async fn wait_for_exit(&mut self, within: Duration) -> ExitStatus {
        let status = wait_for_exit(
            self.child.as_mut().expect("the gateway runs"),
            "the gateway ends",
            within,
        )
        .await;
        self.child = None;
        status
    }

    /// Stops the process where it is; time goes on without it.
    pub(crate) fn freeze(&self) {
        signal(self.pid(), Signal::Stop);
    }

    /// Lets it go on after [`Self::freeze`].
    pub(crate) fn thaw(&self) {
        signal(self.pid(), Signal::Continue);
    }

    /// Everything it wrote to stdout and stderr, over all its lives.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log_file).unwrap_or_default()
    }
}

impl Drop for Gateway {
    #[expect(
        clippy::print_stderr,
        reason = "a failed story is understood from the gateway's log"
    )]
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
        if std::thread::panicking() {
            eprintln!("--- end of the gateway's log ---\n{}", tail(&self.log_file));
        } else {
            people::assert_nobody_in("the gateway's log", self.log().as_bytes());
        }
    }
}

/// Runs a subcommand to its end and gives its status, stdout and stderr. A gateway of the same test stands still
/// meanwhile, and whatever it holds in the database is held: beside one, use [`onedoor_beside`].
pub(crate) fn onedoor(arguments: &[&str], settings: &[(String, String)]) -> (ExitStatus, String, String) {
    let output = Command::new(binary())
        .args(arguments)
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status, text(output.stdout), text(output.stderr))
}

/// As [`onedoor`], while the loops of a gateway in this process go on.
pub(crate) async fn onedoor_beside(
    arguments: &[&str],
    settings: &[(String, String)],
) -> (ExitStatus, String, String) {
    let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
    let settings = settings.to_vec();
    let run = move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        onedoor(&arguments, &settings)
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_onedoor")
}

fn tail(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
