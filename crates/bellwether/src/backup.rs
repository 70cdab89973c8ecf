//! `bellwether backup` and `bellwether restore`: copies of a store, and back.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use bellwether_disk::RealFs;
use bellwether_model::{Clock, SystemClock, format_size};
use bellwether_state::{FILE_NAME as STATE_FILE, StateStore};
use bellwether_tsdb::{CopiedSnapshot, Options, Tsdb, copy_snapshot, remove_snapshot, restore_snapshot};
use clap::Args;

use crate::query::{Api, WhomArgs};
use crate::runtime::block_on;
use crate::storage::{is_used, snapshot, snapshot_name};
use crate::terminal::print;

/// Flags of `backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The folder of the backup, which is empty or not there.
    dest: PathBuf,
    /// The folder of a store that no server uses. Without it, a running server on this machine is asked for a snapshot; it needs `--web.enable-admin-api`.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Which server is asked.
    #[command(flatten)]
    whom: WhomArgs,
}

/// Runs `bellwether backup`.
pub(crate) fn backup(args: &BackupArgs) -> anyhow::Result<ExitCode> {
    // Before a server is bothered.
    if is_used(&args.dest) {
        bail!("{} is not empty; choose another folder or move what is in it", args.dest.display());
    }
    let snapshot = match &args.data_dir {
        Some(dir) => snapshot_of_store(dir)?,
        None => snapshot_of_server(&args.whom)?,
    };
    let copied = copy_snapshot(&RealFs::new(), &snapshot, &args.dest);
    // It was made for this.
    let removed = remove_snapshot(&RealFs::new(), &snapshot);
    let copied = copied.context("cannot copy the snapshot")?;
    removed.context("the backup is whole, but the snapshot that it was copied from is still there")?;
    report("backup", &copied, &args.dest)
}

/// Runs `bellwether restore`.
pub(crate) fn restore(snapshot: &Path, data_dir: &Path) -> anyhow::Result<ExitCode> {
    let restored = restore_snapshot(&RealFs::new(), snapshot, data_dir, SystemClock::new().now_ms())?;
    report("store", &restored, data_dir)
}

fn report(what: &str, copied: &CopiedSnapshot, dir: &Path) -> anyhow::Result<ExitCode> {
    let CopiedSnapshot { name, files, bytes, .. } = copied;
    print(&format!(
        "{what} of {name} in {}: {files} files, {}, all verified\n",
        dir.display(),
        format_size(*bytes)
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Opens a store that no server uses and makes a snapshot of it.
fn snapshot_of_store(dir: &Path) -> anyhow::Result<PathBuf> {
    if !dir.join("MANIFEST").exists() {
        bail!("{} is not the folder of a store: it has no MANIFEST", dir.display());
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let name = snapshot_name(clock.now_ms());
    let options = Options { min_free_bytes: Some(0), ..Options::default() };
    let (store, found) = Tsdb::open(dir, options, Arc::new(RealFs::new()), clock)
        .with_context(|| format!("cannot open the store in {}", dir.display()))?;
    for problem in &found.problems {
        print(&format!("{}: {}\n", problem.path.display(), problem.what))?;
    }
    // A store that has never been served has none.
    let has_state = dir.join(STATE_FILE).exists();
    let state = has_state.then(|| StateStore::open(dir)).transpose()?;
    let made = snapshot(&store, state.as_ref(), &name, true).context("cannot make a snapshot")?;
    drop(state);
    store.close().context("cannot close the store")?;
    Ok(made.dir)
}

/// Asks a server for a snapshot and returns where it is.
fn snapshot_of_server(whom: &WhomArgs) -> anyhow::Result<PathBuf> {
    let mut dir = PathBuf::new();
    block_on(async {
        let api = Api::new(whom)?;
        let info = api.ask(&["status", "runtimeinfo"], &Vec::new()).await?;
        let made = api.ask(&["admin", "tsdb", "snapshot"], &Vec::new()).await?;
        let text = |answer: &serde_json::Value, field: &str| {
            answer[field]
                .as_str()
                .map(PathBuf::from)
                .with_context(|| format!("the server does not tell its {field}"))
        };
        dir = text(&info, "CWD")?
            .join(text(&info, "storagePath")?)
            .join("snapshots")
            .join(text(&made, "name")?);
        Ok(ExitCode::SUCCESS)
    })?;
    if !dir.exists() {
        bail!(
            "the server made the snapshot {}, which cannot be seen here; run this command where the server runs, or copy that folder",
            dir.display()
        );
    }
    Ok(dir)
}
