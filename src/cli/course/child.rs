//! A solution in a process of its own: started without an environment, asked line by line, watched by a clock, and
//! ended with whatever it has started.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::Duration;

use crate::cli::clock;
use crate::lab::solution::{Answers, Fault};
use crate::lab::wire::{Answer, Question};

/// How long one answer may take; a guard, since nothing else is measured in seconds.
const ONE_ANSWER: Duration = Duration::from_secs(5);
/// The first one takes the start of the program, too.
const FIRST_ANSWER: Duration = Duration::from_secs(30);
/// How long all answers together may take.
const ALL_ANSWERS_NS: u64 = 120_000_000_000;
/// The longest answer.
const LONGEST_LINE: u64 = 1 << 20;
/// Memory and CPU time that a solution may use, as the shell's `ulimit` takes them.
const LIMITS: &str = "ulimit -v 4000000 2>/dev/null; ulimit -t 300 2>/dev/null; exec \"$@\"";

/// One process.
pub(super) struct Child {
    process: std::process::Child,
    questions: Option<SyncSender<String>>,
    answers: Receiver<io::Result<String>>,
    waited_ns: u64,
    has_answered: bool,
}

impl Child {
    /// Starts a program in a folder. Two processes of one solution get environments that differ in what a function does
    /// not depend on.
    ///
    /// # Errors
    /// Why it cannot be started.
    pub(super) fn start(
        dir: &Path,
        run: &[String],
        nth: u32,
        is_loud: bool,
    ) -> Result<Self, Fault> {
        let (program, arguments) = run.split_first().expect("the manifest names a program");
        let program = located(dir, program);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", LIMITS, "sh"]).arg(&program);
        command
            .args(arguments)
            .current_dir(dir)
            .env_clear()
            .env("PYTHONHASHSEED", (nth + 1).to_string())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("TZ", if nth == 0 { "UTC" } else { "Pacific/Chatham" })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(if is_loud {
                Stdio::inherit()
            } else {
                Stdio::null()
            });
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = command
            .spawn()
            .map_err(|error| Fault(format!("cannot start {}: {error}", program.display())))?;
        let mut stdin = process.stdin.take().expect("it was piped");
        let stdout = process.stdout.take().expect("it was piped");
        let (questions, to_ask) = sync_channel::<String>(1);
        let (said, answers) = sync_channel(2);
        let write = move || {
            for line in to_ask {
                let asked = stdin
                    .write_all(line.as_bytes())
                    .and_then(|()| stdin.flush());
                if asked.is_err() {
                    return;
                }
            }
        };
        let started = thread::Builder::new()
            .spawn(write)
            .and_then(|_| thread::Builder::new().spawn(move || listen(stdout, &said)));
        let child = Self {
            process,
            questions: Some(questions),
            answers,
            waited_ns: 0,
            has_answered: false,
        };
        match started {
            Ok(_) => Ok(child),
            Err(error) => Err(Fault(format!("cannot listen to it: {error}"))),
        }
    }

    /// Waits for a line.
    fn hear(&mut self, question: &Question) -> Result<String, Fault> {
        let patience = if self.has_answered {
            ONE_ANSWER
        } else {
            FIRST_ANSWER
        };
        let before = clock::wall_ns();
        let heard = self.answers.recv_timeout(patience);
        self.waited_ns += clock::wall_ns().saturating_sub(before);
        let call = question.call();
        match heard {
            Ok(Ok(line)) if self.waited_ns <= ALL_ANSWERS_NS => {
                self.has_answered = true;
                Ok(line)
            }
            Ok(Ok(_)) => Err(Fault(format!(
                "its answers took more than {} s in all",
                ALL_ANSWERS_NS / 1_000_000_000
            ))),
            Ok(Err(error)) => Err(Fault(format!("its answer to `{call}` is no line: {error}"))),
            Err(RecvTimeoutError::Timeout) => Err(Fault(format!(
                "no answer to `{call}` within {} s; the question was {}",
                patience.as_secs(),
                short(&question.line())
            ))),
            Err(RecvTimeoutError::Disconnected) => {
                let ended = self
                    .process
                    .wait()
                    .map_or_else(|error| error.to_string(), |status| status.to_string());
                Err(Fault(format!(
                    "it ended ({ended}) instead of answering `{call}`; the question was {}",
                    short(&question.line())
                )))
            }
        }
    }
}

impl Answers for Child {
    fn answer(&mut self, question: &Question) -> Result<Answer, Fault> {
        match self.answers.try_recv() {
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
            Ok(Ok(line)) => {
                return Err(Fault(format!(
                    "it said something that it was not asked: {}; standard output is for answers, print to standard error",
                    short(&line)
                )));
            }
            Ok(Err(error)) => return Err(Fault(format!("what it says is no line: {error}"))),
        }
        let line = question.line() + "\n";
        if let Some(questions) = &self.questions {
            // Whoever does not listen does not answer, either.
            let _ = questions.try_send(line);
        }
        let line = self.hear(question)?;
        let answer: Answer = serde_json::from_str(&line).map_err(|error| {
            Fault(format!(
                "its answer to `{}` is not one: {error}; it said {}",
                question.call(),
                short(&line)
            ))
        })?;
        Ok(answer)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.questions = None;
        #[cfg(unix)]
        {
            use nix::sys::signal::{Signal, killpg};
            use nix::unistd::Pid;
            if let Ok(group) = i32::try_from(self.process.id()) {
                // Whoever is gone need not be ended.
                let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
            }
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Passes on what it says, line by line, until it ends or says too much.
fn listen(stdout: ChildStdout, said: &SyncSender<io::Result<String>>) {
    let mut reader = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        let read = (&mut reader)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line);
        let line = match read {
            Ok(0) => return,
            Ok(_) if line.last() != Some(&b'\n') && line.len() as u64 == LONGEST_LINE => Err(
                io::Error::other(format!("longer than {LONGEST_LINE} bytes")),
            ),
            Ok(_) => String::from_utf8(line).map_err(io::Error::other),
            Err(error) => Err(error),
        };
        let is_over = line.is_err();
        if said.send(line).is_err() || is_over {
            return;
        }
    }
}

/// The beginning of a long text, on one line, without what a terminal would obey.
fn short(text: &str) -> String {
    let clean: String = text
        .trim_end()
        .chars()
        .map(|letter| if letter.is_control() { '?' } else { letter })
        .take(201)
        .collect();
    if clean.chars().count() > 200 {
        clean.chars().take(200).chain("…".chars()).collect()
    } else {
        clean
    }
}

/// The program itself, since the solution gets no search path; an interpreter behind a launcher that needs one is
/// asked where it is.
fn located(dir: &Path, program: &str) -> PathBuf {
    if program.contains('/') {
        let path = dir.join(program);
        return path.canonicalize().unwrap_or(path);
    }
    if program.starts_with("python") {
        let told = Command::new(program)
            .args(["-c", "import sys; print(sys.executable)"])
            .stdin(Stdio::null())
            .output();
        if let Ok(told) = told
            && told.status.success()
        {
            return PathBuf::from(String::from_utf8_lossy(&told.stdout).trim());
        }
    }
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .unwrap_or_else(|| PathBuf::from(program))
}
