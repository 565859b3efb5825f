//! The compiler's messages for wrong programs: one error, with a sentence that names the mistake,
//! and without types that no program names.
//!
//! Each file in `wrong/` is such a program; its first line is the sentence. They are compiled
//! against the library that this test was built with, which takes a fraction of a second.
#![expect(clippy::unwrap_used, clippy::panic, reason = "they end a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Returns the folder of this test's binary and all libraries.
fn libraries() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

/// Compiles a program up to its type check.
fn compile(program: &Path, library: &Path) -> Output {
    let mut command = Command::new("rustc");
    command.args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--color=never"]);
    command.arg("-Ldependency=".to_owned() + libraries().to_str().unwrap());
    command.arg("--extern=apptheory=".to_owned() + library.to_str().unwrap());
    command.arg("--extern=garde=".to_owned() + libraries_of("garde")[0].to_str().unwrap());
    command.arg("-o").arg(std::env::temp_dir().join(format!("case-{}", std::process::id())));
    command.arg(program).output().unwrap()
}

/// Returns the builds of a library, newest first.
fn libraries_of(name: &str) -> Vec<PathBuf> {
    let libraries = fs::read_dir(libraries()).unwrap().map(|entry| entry.unwrap().path());
    let is_library = |path: &PathBuf| {
        let file = path.file_name().unwrap().to_str().unwrap();
        file.starts_with(&format!("lib{name}-")) && file.ends_with(".rlib")
    };
    let mut libraries: Vec<PathBuf> = libraries.filter(is_library).collect();
    libraries.sort_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
    libraries.reverse();
    libraries
}

/// Returns the library that this test was built with: among the existing builds, with any features,
/// the newest one with which a correct program compiles.
fn library() -> PathBuf {
    let right = cases().join("right.rs");
    let fits = |library: &PathBuf| compile(&right, library).status.success();
    let mut libraries = libraries_of("apptheory").into_iter();
    libraries.find(fits).unwrap_or_else(|| panic!("no library fits"))
}

#[test]
fn every_wrong_program_gets_its_sentence() {
    let library = library();
    let mut programs: Vec<PathBuf> =
        fs::read_dir(cases().join("wrong")).unwrap().map(|entry| entry.unwrap().path()).collect();
    programs.sort();
    assert!(!programs.is_empty());
    let mut surprises = String::new();
    for program in programs {
        let text = fs::read_to_string(&program).unwrap();
        let expected = text.lines().next().unwrap().trim_start_matches("// ");
        let said = String::from_utf8(compile(&program, &library).stderr).unwrap();
        let errors = said.lines().filter(|line| line.starts_with("error"));
        let errors = errors.filter(|line| !line.starts_with("error: aborting")).count();
        // `Layered` is what a function becomes, and no help for one that does not fit.
        if errors != 1 || !said.contains(expected) || said.contains("Layered") {
            surprises.push_str(&format!("\n== {}\n{said}", program.display()));
        }
    }
    assert!(surprises.is_empty(), "{surprises}");
}
