//! `zablab course new`: the folder in which a student begins.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::manifest::{self, Manifest};
use crate::cli::output::{self, Failure, Status};
use crate::lab::course::Lab;

/// Begin an exercise: a folder with a solution to be written
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  zablab course new vote-order mine                     a Rust crate; `cargo test` in it plays the public seeds
  zablab course new lab4 mine --language python         a Python script
  zablab course test mine                               play the public seeds, show what fails

The Rust crate depends on zablab by the path of the checkout that this program was built from, if that is still there,
and by version otherwise; with the checkout it builds offline. Any other language does as well: lab.json names the
program, and docs/grading.md has the lines that it is asked.

Exit codes: 0 the folder was written; 2 it exists, or there is no such lab.")]
pub(super) struct Args {
    /// The exercise, by name or number
    lab: String,
    /// The folder; it must not exist
    dir: PathBuf,
    /// What it is written in
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    language: Language,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Language {
    Rust,
    Python,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<Status, Failure> {
    let lab = Lab::find(&args.lab).ok_or_else(|| Failure::Usage(manifest::unknown(&args.lab)))?;
    std::fs::create_dir(&args.dir).map_err(|error| output::file_failure(&args.dir, error))?;
    for (name, text) in files(lab, args.language) {
        let path = args.dir.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| output::file_failure(folder, error))?;
        }
        output::replace(&path, text)?;
    }
    let dir = args.dir.display();
    let file = match args.language {
        Language::Rust => "src/lib.rs",
        Language::Python => "solution.py",
    };
    writeln!(out, "lab {} {}: {}", lab.number, lab.title, lab.about)?;
    writeln!(out, "\nwrite    {dir}/{file}")?;
    if args.language == Language::Rust {
        writeln!(out, "practise cd {dir} && cargo test")?;
    }
    writeln!(out, "test     zablab course test {dir}")?;
    Ok(Status::Good)
}

fn files(lab: &Lab, language: Language) -> Vec<(&'static str, String)> {
    let readme = format!(
        "# Lab {}: {}\n\n{}\n\n`zablab course test .` plays 32 public seeds and shows what fails, with one hint. The solution must be a function: the \
         same question has the same answer, in every process.\n",
        lab.number, lab.title, lab.about
    );
    let manifest = |build: &[&str], run: &[&str]| {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        output::pretty(&Manifest {
            lab: lab.id.to_owned(),
            build: words(build),
            run: words(run),
        })
    };
    match language {
        Language::Python => vec![
            ("README.md", readme),
            (manifest::NAME, manifest(&[], &["python3", "solution.py"])),
            ("solution.py", lab.template.python.to_owned()),
        ],
        Language::Rust => vec![
            ("README.md", readme),
            (
                manifest::NAME,
                manifest(
                    &[
                        "cargo",
                        "build",
                        "--release",
                        "--offline",
                        "--quiet",
                        "--target-dir",
                        "target",
                    ],
                    &["target/release/solution"],
                ),
            ),
            ("Cargo.toml", crate_manifest(&dependency())),
            (".gitignore", "/target\n".to_owned()),
            ("src/lib.rs", lab.template.rust.to_owned()),
            ("src/main.rs", MAIN.to_owned()),
            ("tests/practice.rs", practice(lab)),
        ],
    }
}

/// The library: the checkout that this program comes from, or the published version.
fn dependency() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if root.join("Cargo.toml").is_file() {
        let path = serde_json::to_string(&root.to_string_lossy()).expect("text is JSON");
        format!("{{ path = {path} }}")
    } else {
        format!("\"{}\"", env!("CARGO_PKG_VERSION"))
    }
}

fn crate_manifest(dependency: &str) -> String {
    format!(
        "[package]\nname = \"solution\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\nzablab = {dependency}\n\n\
         # Runs are simulations: without optimisation they take long.\n[profile.dev]\nopt-level = 1\n\n[workspace]\n"
    )
}

const MAIN: &str = "//! Answers the grader's questions, a line per line.

fn main() -> std::io::Result<()> {
    zablab::lab::serve(solution::solution())
}
";

fn practice(lab: &Lab) -> String {
    format!(
        "//! The public seeds, played in this process.\n\n#[test]\nfn the_public_seeds_are_passed() {{\n    \
         zablab::lab::practise(\"{}\", solution::solution);\n}}\n",
        lab.id
    )
}
