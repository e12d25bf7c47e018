//! The services as processes of their own, two of each, started anew whenever
//! they end.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    net::SocketAddr,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use dev::{SERVICES, Suite};
use testkit::{Database, eventually_within, free_port};
use tokio::{
    process::{Child, Command},
    sync::{mpsc, oneshot},
    task::{JoinSet, spawn_blocking},
};

use super::network::Network;
use crate::process::{self, Programs};

/// How many processes share the work of a service.
pub(super) const REPLICAS: i64 = 2;

/// How long processes may take to be ready on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// The pause before a process that ended by itself is started anew.
const RESTART: Duration = Duration::from_millis(300);

const SIGKILL: i32 = 9;

/// All processes of the suite; none outlives it.
pub(super) struct Fleet {
    /// The replicas of each service, one service after the other.
    pub(super) members: Vec<Member>,
    deaths: Deaths,
    /// Ends the processes when it is dropped.
    _supervisors: JoinSet<()>,
}

/// How processes ended that nobody killed: their program and last words.
type Deaths = Arc<Mutex<BTreeSet<(String, String)>>>;

/// One replica of a service, whichever process it is at the moment.
pub(super) struct Member {
    /// The service.
    pub(super) service: &'static str,
    /// Where it serves people and programs.
    pub(super) public: SocketAddr,
    program: Program,
    orders: mpsc::Sender<Order>,
    /// How often a process of it was started.
    starts: Arc<AtomicUsize>,
}

/// A signal that the faults are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// SIGKILL.
    Kill,
    /// SIGSTOP.
    Freeze,
    /// SIGCONT.
    Thaw,
    /// SIGTERM: it ends what it does, and then itself.
    Stop,
}

struct Order {
    signal: Signal,
    done: oneshot::Sender<()>,
}

/// What a process is started from.
#[derive(Clone, Debug)]
struct Program {
    binary: PathBuf,
    environment: Vec<(String, String)>,
    log: PathBuf,
}

impl Fleet {
    /// Starts two processes of each service from a folder of programs, and returns when
    /// all are ready.
    pub(super) async fn start(suite: &Suite, network: &Network, binaries: &Path) -> Self {
        let deaths = Arc::default();
        let mut supervisors = JoinSet::new();
        let mut members = Vec::new();
        for service in SERVICES {
            for replica in 0..REPLICAS {
                let (environment, public) = environment(suite, network, service, replica);
                let program = Program {
                    binary: binaries.join(format!("vigie-{service}")),
                    environment,
                    log: suite.folder().join(format!("{service}-{replica}.log")),
                };
                let (orders, received) = mpsc::channel(1);
                let starts = Arc::default();
                supervisors.spawn(supervise(
                    program.clone(),
                    received,
                    Arc::clone(&starts),
                    Arc::clone(&deaths),
                ));
                members.push(Member {
                    service,
                    public,
                    program,
                    orders,
                    starts,
                });
            }
        }
        let fleet = Self {
            members,
            deaths,
            _supervisors: supervisors,
        };
        fleet.ready().await;
        fleet
    }

    /// Waits until every process is ready; one that cannot be ends the test.
    pub(super) async fn ready(&self) {
        for member in &self.members {
            eventually_within(PATIENCE, async || {
                assert_eq!(self.unexplained_deaths(), [""; 0]);
                member.run("healthcheck").await.is_ok()
            })
            .await;
        }
    }

    /// The replicas of a service.
    pub(super) fn replicas(&self, service: &str) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(move |m| m.service == service)
    }

    /// How processes ended by themselves, but for those that found no database
    /// at their start: an orchestrator starts such a one again.
    pub(super) fn unexplained_deaths(&self) -> Vec<String> {
        let deaths = self.deaths.lock().expect("no holder of this lock panics");
        let unexplained = deaths.iter().filter(|(program, words)| {
            let cause = words.strip_prefix(&format!("{program}: "));
            !cause.is_some_and(|cause| {
                cause.starts_with("DATABASE_URL: ") || cause.starts_with("the event log: ")
            })
        });
        unexplained
            .map(|(program, words)| format!("{program} said at its end: {words}"))
            .collect()
    }
}

impl Member {
    /// Sends the process a signal; one that has just ended gets none.
    pub(super) async fn send(&self, signal: Signal) {
        let (done, carried_out) = oneshot::channel();
        let order = Order { signal, done };
        self.orders
            .send(order)
            .await
            .unwrap_or_else(|_| panic!("nobody supervises {}", self.service));
        carried_out.await.expect("the supervisor answers");
    }

    /// Has the program of another folder take its place, and waits until that is ready.
    pub(super) async fn give_way_to(&self, binaries: &Path) {
        let place = &self.program.binary;
        let next = place.with_extension("next");
        let name = place.file_name().expect("a program has a name");
        fs::copy(binaries.join(name), &next).expect("the program is there");
        // A program that runs cannot be written to, but its name can be given away.
        fs::rename(&next, place).expect("the folder is ours");
        let before = self.starts.load(Ordering::SeqCst);
        self.send(Signal::Stop).await;
        eventually_within(PATIENCE, async || {
            self.starts.load(Ordering::SeqCst) > before && self.run("healthcheck").await.is_ok()
        })
        .await;
    }

    /// Runs another command of the same program, in the same environment; returns
    /// what it complains of.
    pub(super) async fn run(&self, command: &str) -> Result<(), String> {
        self.program.run(command).await
    }

    /// The same of the program in this folder, with the database itself, not through
    /// the network.
    pub(super) async fn run_beside(
        &self,
        programs: &Path,
        database: &Database,
        command: &str,
    ) -> Result<(), String> {
        let mut program = self.program.clone();
        let name = program.binary.file_name().expect("a program has a name");
        program.binary = programs.join(name);
        let url = ("DATABASE_URL".to_owned(), database.url(self.service));
        // What is said last holds.
        program.environment.push(url);
        program.run(command).await
    }
}

impl Program {
    /// The program in exactly its environment; the kernel ends it with the
    /// test, should the test itself be killed.
    fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&self.binary)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, command: &str) -> Result<(), String> {
        let run = self.command().arg(command).output().await;
        let Output {
            status,
            stdout,
            stderr,
        } = run.expect("the program can be run");
        if status.success() {
            return Ok(());
        }
        let words = [stdout, stderr].concat();
        Err(format!("{status}: {}", String::from_utf8_lossy(&words)))
    }

    fn start(&self) -> Child {
        let log = || -> File {
            let mut options = OpenOptions::new();
            let file = options.create(true).append(true).open(&self.log);
            file.expect("the log can be written")
        };
        let mut command = self.command();
        command.stdout(log()).stderr(log());
        command.spawn().expect("the program can be started")
    }

    fn name(&self) -> String {
        let name = self.binary.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().last().unwrap_or_default().to_owned()
    }
}

/// Keeps a program running, and is the only one to signal its process: a number
/// is never used after its process was reaped.
async fn supervise(
    program: Program,
    mut orders: mpsc::Receiver<Order>,
    starts: Arc<AtomicUsize>,
    deaths: Deaths,
) {
    loop {
        let mut child = program.start();
        starts.fetch_add(1, Ordering::SeqCst);
        let mut asked_to_stop = false;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status.expect("a child can be waited for"),
                Some(order) = orders.recv() => {
                    if let Some(process) = child.id() {
                        signal(process, order.signal).await;
                        asked_to_stop |= order.signal == Signal::Stop;
                    }
                    // Whoever gave the order may have been stopped by a failed assertion.
                    let _ = order.done.send(());
                }
            }
        };
        let obeyed = asked_to_stop && status.success();
        if status.signal() != Some(SIGKILL) && !obeyed {
            let death = (program.name(), program.last_words());
            deaths
                .lock()
                .expect("no holder of this lock panics")
                .insert(death);
            tokio::time::sleep(RESTART).await;
        }
    }
}

pub(super) async fn signal(process: u32, signal: Signal) {
    let name = match signal {
        Signal::Kill => "KILL",
        Signal::Freeze => "STOP",
        Signal::Thaw => "CONT",
        Signal::Stop => "TERM",
    };
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "kill -s \"$0\" \"$1\"", name, &process.to_string()]);
    let sent = command.status().await.expect("the shell can be run");
    assert!(sent.success(), "SIG{name} to {process}");
}

/// Has the programs in this folder bring the schemas up to date.
pub(super) async fn migrate(suite: &Suite, binaries: &Path) {
    for service in SERVICES {
        let environment = suite.environment(service);
        let variables = environment.variables();
        let program = Program {
            binary: binaries.join(format!("vigie-{service}")),
            environment: variables
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            log: PathBuf::new(),
        };
        let migrated = program.run("migrate").await;
        migrated.unwrap_or_else(|complaint| panic!("migrating {service}: {complaint}"));
    }
}

/// Copies the programs of a folder into a new one.
pub(super) fn copy(binaries: &Path, folder: PathBuf) -> PathBuf {
    fs::create_dir(&folder).expect("the folder is new");
    for service in SERVICES {
        let name = format!("vigie-{service}");
        fs::copy(binaries.join(&name), folder.join(&name)).expect("the program is there");
    }
    folder
}

/// Builds the programs and copies them into the folder of a suite: what is tested must
/// not change with the next build.
pub(super) async fn build(suite: &Suite, programs: Programs) -> PathBuf {
    let folder = suite.folder().join("programs");
    let built = spawn_blocking(move || {
        let target = process::build(programs);
        let folder = copy(&target, folder);
        if programs == Programs::Mutants {
            // Nobody shall find a mutant where he looks for a program.
            for service in SERVICES {
                let mutant = target.join(format!("vigie-{service}"));
                fs::remove_file(mutant).expect("it was there");
            }
        }
        folder
    });
    built.await.expect("the programs are built")
}

/// The environment of a replica and its public address: the first has the
/// addresses of the suite, the others have free ones. The database is reached through
/// the network.
fn environment(
    suite: &Suite,
    network: &Network,
    service: &str,
    replica: i64,
) -> (Vec<(String, String)>, SocketAddr) {
    let told = suite.environment(service);
    let mut variables: Vec<(String, String)> = told
        .variables()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for (name, value) in &mut variables {
        if name == "DATABASE_URL" {
            *value = network.through(service, suite, value);
        }
    }
    let mut public = suite.addresses(service).public;
    if replica > 0 {
        for (name, value) in &mut variables {
            let listens = name.starts_with("SERVER_") && name.ends_with("LISTEN");
            if listens {
                let port = free_port().expect("a port is free");
                let address = SocketAddr::from(([127, 0, 0, 1], port));
                *value = address.to_string();
                if name == "SERVER_LISTEN" {
                    public = address;
                }
            }
        }
    }
    (variables, public)
}
