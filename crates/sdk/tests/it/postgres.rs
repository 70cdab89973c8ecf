//! Pools of connections to a PostgreSQL of Debian, which the test starts.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bellwether_sdk::Registry;
use bellwether_sdk::domain::Pools;
use deadpool::Runtime;
use deadpool::managed::{self, Manager, Metrics, PoolError, RecycleResult};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

/// A server that listens to a socket in a directory of its own, until it is dropped.
struct Postgres {
    server: Child,
    directory: tempfile::TempDir,
}

impl Postgres {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let data = directory.path().join("data");
        let user = User::of_server(directory.path());
        let made = user
            .run("initdb")
            .args(["--username=test", "--auth=trust", "--no-sync", "--pgdata"])
            .arg(&data)
            .output()
            .expect("it can be started");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut server = user
            .run("postgres")
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "log_destination=stderr", "-D"])
            .arg(&data)
            .arg("-k")
            .arg(directory.path())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it can be started");
        let mut said = BufReader::new(server.stderr.take().expect("it is piped")).lines();
        let is_ready = |line: &String| line.contains("is ready to accept connections");
        assert!(said.by_ref().map_while(Result::ok).any(|line| is_ready(&line)), "it came up");
        // A server whose log nobody reads waits.
        std::thread::spawn(move || said.for_each(drop));
        Self { server, directory }
    }

    fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new().socket(self.directory.path()).username("test").database("postgres")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Who runs the server, which refuses to be run by root.
struct User {
    programs: PathBuf,
    ids: Option<(u32, u32)>,
    directory: PathBuf,
}

impl User {
    fn of_server(directory: &Path) -> Self {
        let missing = "PostgreSQL is missing; `scripts/setup.sh peers` installs it";
        let versions = fs::read_dir("/usr/lib/postgresql").expect(missing);
        let mut programs: Vec<PathBuf> =
            versions.map(|version| version.expect(missing).path().join("bin")).collect();
        programs.retain(|programs| programs.join("initdb").exists());
        programs.sort();
        let programs = programs.pop().expect(missing);
        let ids = rustix::process::geteuid().is_root().then(|| {
            let users = fs::read_to_string("/etc/passwd").expect("there are users");
            let postgres = users.lines().find_map(|line| line.strip_prefix("postgres:")).expect(missing);
            let mut fields = postgres.split(':').skip(1).map(|id| id.parse().expect("a number"));
            (fields.next().expect("a user"), fields.next().expect("a group"))
        });
        if let Some((user, group)) = ids {
            std::os::unix::fs::chown(directory, Some(user), Some(group)).expect("root may");
        }
        Self { programs, ids, directory: directory.to_owned() }
    }

    fn run(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(&self.directory).env("LC_ALL", "C").stdin(Stdio::null());
        if let Some((user, group)) = self.ids {
            command.uid(user).gid(group);
        }
        command
    }
}

fn value(registry: &Registry, family: &str, pool: &str) -> f64 {
    let (text, series) = (registry.text(), format!("connection_pool_{family}{{pool=\"{pool}\"}} "));
    let line = text.lines().find_map(|line| line.strip_prefix(&series));
    line.unwrap_or_else(|| panic!("no {series}in\n{text}")).parse().expect("a number")
}

/// Lets the others run until something is so.
async fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        tokio::task::yield_now().await;
    }
}

/// Opens the connections that [`Manager`] asks for.
struct Opens(PgConnectOptions);

impl Manager for Opens {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<PgConnection, sqlx::Error> {
        self.0.connect().await
    }

    async fn recycle(&self, connection: &mut PgConnection, _: &Metrics) -> RecycleResult<sqlx::Error> {
        Ok(connection.ping().await?)
    }
}

#[tokio::test]
async fn pools_of_drivers_tell_who_waits_and_who_gets_nothing() {
    let server = Postgres::start();
    let registry = Registry::new();
    let pools = Pools::register(&registry).expect("is right");
    of_sqlx(&server, &registry, &pools).await;
    of_deadpool(&server, &registry, &pools).await;
}

async fn of_sqlx(server: &Postgres, registry: &Registry, pools: &Pools) {
    // Long enough for a connection to be made, and for nobody to wait for it in vain for long.
    let options = PgPoolOptions::new().max_connections(2).acquire_timeout(Duration::from_secs(5));
    let pool = pools.sqlx(registry, "sqlx", options.connect_lazy_with(server.options()));
    let get = |family: &str| value(registry, family, "sqlx");
    let mut one = pool.acquire().await.expect("there is room");
    let row = sqlx::query("SELECT 42").fetch_one(&mut *one).await.expect("it answers");
    assert_eq!(row.get::<i32, _>(0), 42);
    let two = pool.acquire().await.expect("there is room");
    assert_eq!((get("active_connections"), get("max_connections")), (2.0, 2.0));
    assert_eq!((get("waiting_requests"), get("idle_connections")), (0.0, 0.0));

    // The pool is dry: one who waits gets the connection that is given back.
    let waiter = tokio::spawn({
        let pool = pool.clone();
        async move { pool.acquire().await.map(drop) }
    });
    until(|| get("waiting_requests") == 1.0).await;
    drop(two);
    waiter.await.expect("it ends").expect("it has the connection");
    assert_eq!((get("wait_seconds_count"), get("timeouts_total")), (3.0, 0.0));

    // Nobody gives one back: time is up.
    let two = pool.acquire().await.expect("one is free");
    assert!(matches!(pool.acquire().await.map(drop), Err(sqlx::Error::PoolTimedOut)));
    assert_eq!((get("timeouts_total"), get("waiting_requests")), (1.0, 0.0));
    assert_eq!(get("wait_seconds_count"), 5.0, "a wait in vain is one too");

    drop((one, two));
    until(|| get("idle_connections") == 2.0).await;
    assert_eq!(get("active_connections"), 0.0);
    assert_eq!((get("active_connections_peak"), get("active_connections_high_water")), (2.0, 0.0));
    // Since the last scrape one was in use, though none is now.
    drop(pool.acquire().await.expect("one is free"));
    assert_eq!(get("active_connections_high_water"), 1.0);
    pool.get_ref().close().await;
    assert!(pool.acquire().await.is_err());
    assert_eq!((get("timeouts_total"), get("waiting_requests")), (1.0, 0.0), "it gave up");
}

async fn of_deadpool(server: &Postgres, registry: &Registry, pools: &Pools) {
    let builder = managed::Pool::builder(Opens(server.options())).max_size(1).runtime(Runtime::Tokio1);
    let pool: managed::Pool<Opens> =
        builder.wait_timeout(Some(Duration::from_millis(50))).build().expect("there is a runtime");
    let pool = pools.deadpool(registry, "deadpool", pool);
    let get = |family: &str| value(registry, family, "deadpool");
    let mut one = pool.get().await.expect("there is room");
    let row = sqlx::query("SELECT 42").fetch_one(&mut *one).await.expect("it answers");
    assert_eq!(row.get::<i32, _>(0), 42);
    assert!(matches!(pool.get().await.map(drop), Err(PoolError::Timeout(_))));
    assert_eq!((get("active_connections"), get("max_connections")), (1.0, 1.0));
    assert_eq!((get("timeouts_total"), get("waiting_requests"), get("idle_connections")), (1.0, 0.0, 0.0));
    drop(one);
    assert_eq!((get("active_connections"), get("idle_connections")), (0.0, 1.0));
    assert_eq!(get("wait_seconds_count"), 2.0);
    pool.get_ref().close();
    assert!(pool.get().await.is_err());
    assert_eq!((get("timeouts_total"), get("waiting_requests")), (1.0, 0.0), "it gave up");
}
