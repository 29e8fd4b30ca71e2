//! The program as others run it: a folder, the binary, and what it said.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A folder to run the program in. Its home and caches lie there too, so that nothing else is touched.
pub struct Desk {
    folder: TempDir,
}

/// What a run left to see.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Desk {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// With a project `shop` into which the seeded dump of [`crate::shop`] was imported, not built yet.
    pub fn with_import() -> Self {
        let desk = Self::new();
        desk.write("mapping.toml", crate::shop::MAPPING);
        crate::shop::dump(&desk.path().join("dump"), 7);
        desk.done(&["init", "shop"]);
        desk.done(&IMPORT);
        desk
    }

    /// With a built project `shop`.
    pub fn with_build() -> Self {
        let desk = Self::with_import();
        desk.done(&BUILD);
        desk
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A path of the project `shop`'s state.
    pub fn state(&self, name: &str) -> PathBuf {
        self.path().join("shop/.kenning").join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kenning"));
        command.args(arguments);
        self.settle(&mut command);
        command
    }

    /// A command of another program runs in the same surroundings.
    pub fn settle(&self, command: &mut Command) {
        command.current_dir(self.path());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("KENNING_") {
                command.env_remove(name);
            }
        }
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_CACHE_HOME", "home/cache"),
            ("XDG_CONFIG_HOME", "home/config"),
            ("XDG_DATA_HOME", "home/data"),
        ] {
            command.env(name, self.path().join(folder));
        }
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        self.finish(&mut self.command(arguments))
    }

    pub fn finish(&self, command: &mut Command) -> Run {
        self.seen(command.output().unwrap())
    }

    /// Its folder is called `[HERE]`, so that messages can be compared.
    pub fn seen(&self, output: Output) -> Run {
        let here = self.path().canonicalize().unwrap();
        let text = |bytes| {
            let text = String::from_utf8(bytes).unwrap();
            let text = text.replace(&here.display().to_string(), "[HERE]");
            text.replace(&self.path().display().to_string(), "[HERE]")
        };
        Run {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Runs what has to succeed.
    pub fn done(&self, arguments: &[&str]) -> Run {
        let run = self.run(arguments);
        assert_eq!(run.code, Some(0), "{arguments:?}: {}", run.said());
        run
    }

    /// Runs what has to succeed, and reads the JSON that it prints.
    pub fn json(&self, arguments: &[&str]) -> Value {
        self.done(arguments).json()
    }

    /// Runs a query on `project`; its rows as lists of values.
    pub fn rows(&self, project: &str, query: &str) -> Vec<Vec<String>> {
        let results = self.json(&["-C", project, "query", query, "--format", "json"]);
        let names = results["head"]["vars"].as_array().unwrap().clone();
        let value = |row: &Value, name: &Value| match &row[name.as_str().unwrap()]["value"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let rows = results["results"]["bindings"].as_array().unwrap();
        rows.iter()
            .map(|row| names.iter().map(|name| value(row, name)).collect())
            .collect()
    }

    /// What the project `shop` answers, without what differs from run to run.
    pub fn answer(&self) -> Value {
        without_circumstances(self.json(&RECOMMEND))
    }
}

pub const IMPORT: [&str; 6] = ["-C", "shop", "import", "--mapping", "mapping.toml", "dump"];
pub const BUILD: [&str; 4] = ["-C", "shop", "build", "--no-vectors"];
pub const RECOMMEND: [&str; 7] = [
    "-C",
    "shop",
    "recommend",
    "--user=u3",
    "-k5",
    "--format",
    "json",
];

/// An answer without its timings and the name of its decision.
pub fn without_circumstances(mut answer: Value) -> Value {
    let fields = answer.as_object_mut().unwrap();
    assert!(fields.remove("timings").is_some());
    assert!(fields.remove("decision").is_some());
    answer
}

impl Run {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.said()))
    }

    /// All that can be seen.
    pub fn said(&self) -> String {
        let code = self.code.map_or("killed".into(), |code| code.to_string());
        format!("{code}\n{}{}", self.stdout, self.stderr)
    }
}
