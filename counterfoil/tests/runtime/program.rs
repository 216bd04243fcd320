//! The built program in a directory of its own.

use std::fs::{self, File, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use counterfoil::runtime::Announcement;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use testkit::eventually;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A directory for one test; gone with it.
pub(crate) struct Home(PathBuf);

impl Home {
    pub(crate) fn new(test: &str) -> Home {
        let unique = &uuid::Uuid::new_v4().simple().to_string()[..8];
        let path = std::env::temp_dir().join(format!("cf-{test}-{unique}"));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        Home(path.canonicalize().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.0.join("data")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Ok(elsewhere) = fs::read_link(self.data_dir().join("servers")) {
            let _ = fs::remove_dir_all(elsewhere);
        }
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program with nothing in its environment but the way to other programs.
pub(crate) fn counterfoil(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// Runs a command that ends by itself.
pub(crate) fn output(mut command: Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

pub(crate) struct Serving {
    child: Child,
    data_dir: PathBuf,
    log: PathBuf,
}

impl Serving {
    pub(crate) async fn start(data_dir: &Path) -> Serving {
        Self::start_with(data_dir, |_command| {}).await
    }

    pub(crate) async fn start_with(data_dir: &Path, configure: impl FnOnce(&mut Command)) -> Serving {
        let mut serving = Self::spawn(data_dir, configure);
        eventually("the program is ready", async || {
            serving.must_be_alive();
            serving.found().is_some_and(|found| found.pid == serving.child.id())
        })
        .await;
        serving
    }

    /// Without waiting for anything.
    pub(crate) fn spawn(data_dir: &Path, configure: impl FnOnce(&mut Command)) -> Serving {
        let log = data_dir.with_extension("log");
        let output = File::create(&log).unwrap();
        let mut command = counterfoil(&["serve", "--listen", "127.0.0.1:0"]);
        command.arg("--data-dir").arg(data_dir).stdin(Stdio::null());
        command.stdout(output.try_clone().unwrap()).stderr(output);
        configure(&mut command);
        Serving { child: command.spawn().unwrap(), data_dir: data_dir.to_path_buf(), log }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn must_be_alive(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("the program ended with {status}:\n{}", self.log());
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn found(&self) -> Option<Announcement> {
        Announcement::read(&self.data_dir)
    }

    /// Where it serves: with servers of somebody else's, only its log tells.
    fn listen(&self) -> SocketAddr {
        let in_log = |log: String| {
            let (_, behind) = log.split_once("\"listen\":\"")?;
            behind.split_once('"')?.0.parse().ok()
        };
        self.found().map_or_else(|| in_log(self.log()).unwrap(), |found| found.listen)
    }

    /// The answer to a request without a body, as it comes: head and all.
    pub(crate) async fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.listen()).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// A request with a JSON body: status and body of the answer.
    pub(crate) async fn ask(&self, method: &str, path: &str, token: &str, body: &Value) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.listen()).await.unwrap();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
             idempotency-key: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            uuid::Uuid::new_v4(),
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    pub(crate) async fn database(&self) -> PgConnection {
        PgConnection::connect(&self.found().unwrap().database_url).await.unwrap()
    }

    /// As the user that the URL names.
    pub(crate) async fn nats(url: &str) -> Result<async_nats::Client, async_nats::ConnectError> {
        let address: async_nats::ServerAddr = url.parse().unwrap();
        let (user, password) = (address.username().unwrap(), address.password().unwrap());
        async_nats::ConnectOptions::with_user_and_password(user.into(), password.into())
            .connect(address.clone())
            .await
    }

    /// Ends it without letting it do anything about it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) async fn stop(mut self, signal: Signal) -> ExitStatus {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
        let mut ended = None;
        eventually("the program stops", async || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        })
        .await;
        ended.unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what the program said:\n{}", self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every process that works in this data directory or was started with its path.
pub(crate) fn processes_of(data_dir: &Path) -> Vec<String> {
    let servers = data_dir.join("servers").canonicalize().unwrap_or_else(|_| data_dir.to_path_buf());
    let of_this_directory = |pid: &str| {
        let command_line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let command_line = String::from_utf8_lossy(&command_line).replace('\0', " ");
        let works_there =
            fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|directory| directory.starts_with(&servers));
        let named = command_line.contains(data_dir.to_str().unwrap());
        (works_there || named).then(|| format!("{pid} {command_line}"))
    };
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.parse::<u32>().is_ok())
        .filter_map(|pid| of_this_directory(&pid))
        .collect()
}

pub(crate) async fn nothing_is_left_of(data_dir: &Path) {
    eventually("no process of the data directory is left", async || processes_of(data_dir).is_empty()).await;
}

/// Runs the program as an ordinary user; if the tests do so themselves, there is nothing to change.
pub(crate) fn as_ordinary_user(home: &Home, command: &mut Command) {
    if !Uid::effective().is_root() {
        return;
    }
    let nobody = nix::unistd::User::from_name("nobody").unwrap().expect("a system has a user nobody");
    std::os::unix::fs::chown(home.path(), Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).unwrap();
    // The build directory may be closed to that user.
    let program = home.path().join("counterfoil");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_counterfoil"), &program).unwrap();
    }
    let mut other = Command::new(program);
    other.args(command.get_args());
    std::mem::swap(command, &mut other);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw()).current_dir(home.path());
}
