//! Files that recordings go to: written under another name, and given their own once they are whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::output::Failure;
use crate::experiment::record::{Recorder, Recordings};

/// Where a run's recordings go.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Places {
    /// Write what clients did and were told to this file, as JSON lines
    #[arg(long, value_name = "OUT.jsonl")]
    history: Option<PathBuf>,
    /// Write every fact of the run to this file, as JSON lines
    #[arg(long, value_name = "OUT.jsonl")]
    trace: Option<PathBuf>,
}

impl Places {
    /// Opens the files before the run begins, so that nobody waits in vain; `scenario` is what the run reads.
    pub(super) fn open(&self, scenario: &Path) -> Result<Recorder<Draft>, Failure> {
        let mut taken = vec![(real(scenario), "the scenario itself".to_owned())];
        let mut drafts = [None, None];
        let named = [("--history", &self.history), ("--trace", &self.trace)];
        for (draft, (option, path)) in drafts.iter_mut().zip(named) {
            let Some(path) = path else { continue };
            let shown = path.to_string_lossy();
            if shown == "-" {
                return Err(Failure::Usage(format!(
                    "{option} - would mix with the results, which go to stdout; expected a file"
                )));
            }
            let place = real(path);
            if let Some((_, what)) = taken.iter().find(|(other, _)| *other == place) {
                return Err(Failure::Usage(format!(
                    "{option} {shown} would overwrite {what}; expected a file of its own"
                )));
            }
            *draft = Some(Draft::open(&place).map_err(|error| failure(path, error))?);
            taken.push((place, format!("what {option} writes")));
        }
        let [history, trace] = drafts;
        Ok(Recorder::new(history, trace))
    }

    /// The run is over: whole files get their names.
    pub(super) fn keep(&self, recorder: Recorder<Draft>) -> Result<(), Failure> {
        let Recordings { history, trace } = recorder.finish();
        let whole = |path: &Option<PathBuf>, recording: Option<io::Result<Draft>>| {
            let (Some(path), Some(draft)) = (path, recording) else {
                return Ok(None);
            };
            draft
                .map(|draft| Some((path.clone(), draft)))
                .map_err(|error| failure(path, error))
        };
        let recordings = [whole(&self.history, history)?, whole(&self.trace, trace)?];
        for (path, draft) in recordings.into_iter().flatten() {
            draft.keep().map_err(|error| failure(&path, error))?;
        }
        Ok(())
    }
}

fn failure(path: &Path, error: io::Error) -> Failure {
    Failure::File {
        path: path.to_string_lossy().into_owned(),
        error,
    }
}

/// A path without links, so that a link stays one and two names of one file are noticed.
fn real(path: &Path) -> PathBuf {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    fs::canonicalize(path).unwrap_or_else(|_| match (fs::canonicalize(folder), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        (Ok(_) | Err(_), _) => path.to_owned(),
    })
}

/// A file under construction; unless it is kept, nothing is left of it.
#[derive(Debug)]
pub(super) struct Draft {
    out: BufWriter<File>,
    /// What it is called so far and will be called; `None` for a device or a pipe, which takes what it is given at once.
    names: Option<(PathBuf, PathBuf)>,
}

impl Draft {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let is_file = match fs::metadata(path) {
            Ok(found) => found.is_file(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(error),
        };
        let mut options = OpenOptions::new();
        let (file, names) = if is_file {
            let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
            let name = format!(".{}.{}.part", name.to_string_lossy(), std::process::id());
            let draft = path.with_file_name(name);
            let file = options.write(true).create_new(true).open(&draft)?;
            (file, Some((draft, path.to_owned())))
        } else {
            (options.write(true).open(path)?, None)
        };
        let out = BufWriter::new(file);
        Ok(Self { out, names })
    }

    pub(super) fn keep(mut self) -> io::Result<()> {
        match &self.names {
            Some((draft, path)) => fs::rename(draft, path)?,
            None => return Ok(()),
        }
        self.names = None;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some((draft, _)) = &self.names {
            // Whoever took it away first has done our work.
            let _ = fs::remove_file(draft);
        }
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
