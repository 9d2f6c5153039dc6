//! The command line: one file for each subcommand, and files that several share.

mod backup;
mod backup_files;
mod browser;
mod call;
mod cast;
mod chat;
mod chat_tab;
mod check;
mod client;
mod compact;
mod completions;
mod config;
mod console;
mod copy;
mod describe;
mod document;
mod event;
mod fault;
mod form;
mod health;
mod in_world;
mod json;
mod man;
mod migrate;
mod mode;
mod open_files;
mod operations;
mod play;
mod progress;
mod restore;
mod scopes;
mod script;
mod seed;
mod serve;
mod store;
mod terminal;
mod traffic;
mod waiting;
mod world;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Once;

use clap::{Args, Parser, Subcommand};

use crate::config::Config;

/// The Feishu/Lark group API as a server that you run yourself.
#[derive(Parser)]
#[command(name = "larkspur", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Flags,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server (default)
    Serve(serve::Flags),
    /// List the operations or describe one
    Operations(operations::Flags),
    /// Call an operation of a running server
    Call(call::Flags),
    /// List, send and resend events
    Event(event::Flags),
    /// Print a link to the console of a running server; it works once, within 10 minutes
    Console(console::Flags),
    /// Make calls fail by rule, to test how a client handles it
    Fault(fault::Flags),
    /// Make, seed, save, put back, compare and delete worlds
    World(world::Flags),
    /// Show, compare, repeat and export recorded calls
    Traffic(traffic::Flags),
    /// Print which scopes an app uses and needs
    Scopes(scopes::Flags),
    /// Talk in chats as a user: say something, use a card, show a chat
    Chat(chat::Flags),
    /// Play a conversation from a file and check what the bot answers
    Play(play::Flags),
    /// Check whether a server on this machine is ready
    Health(health::Flags),
    /// Upgrade the data to the schema of this release, as a start does
    Migrate(migrate::Flags),
    /// Check a data directory for damage or a database for suitability; safe while a server runs
    Check(Place),
    /// Back up a data directory to a file; safe while a server runs
    Backup(backup_files::Flags),
    /// Restore a data directory from a backup
    Restore(backup_files::Flags),
    /// Shrink the database file of a data directory; no server may use it
    Compact(Place),
    /// Copy everything from one store to an empty one, such as from a data directory to a database
    Copy(copy::Flags),
    /// Print every setting with its default and a description
    Config,
    /// Print a generated document
    Document(document::Flags),
    /// Print shell completions for commands, flags and operations
    Completions(completions::Flags),
    /// Print a man page, for all commands or for one
    Man(man::Flags),
}

/// Where the data is.
#[derive(Debug, Args)]
struct Place {
    /// Data directory [default: the setting `data`]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// PostgreSQL URL, instead of a data directory
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    store: Option<String>,
    /// Settings file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Place {
    fn config(&self) -> Result<Config, String> {
        let data = self.data.as_ref().map(|data| ("data", data.display().to_string()));
        let store = self.store.clone().map(|store| ("store", store));
        let mut config = load(self.config.as_deref(), &data.into_iter().chain(store).collect::<Vec<_>>())?;
        if self.data.is_some() {
            config.store.clear();
        }
        Ok(config)
    }
}

/// The settings of this process. Warnings about them are printed once.
fn load(file: Option<&std::path::Path>, flags: &[(&str, String)]) -> Result<Config, String> {
    static TOLD: Once = Once::new();
    let config = silent(file, flags)?;
    TOLD.call_once(|| config.warnings.iter().for_each(|warning| complain(&format!("warning: {warning}"))));
    Ok(config)
}

/// As [`load`], for callers that report warnings themselves.
fn silent(file: Option<&std::path::Path>, flags: &[(&str, String)]) -> Result<Config, String> {
    Config::load(file, std::env::vars_os(), flags).map_err(|error| error.to_string())
}

/// Runs the command line of this process. An error is one line on standard error, and exit code 1.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        None => serve::run(&cli.serve),
        Some(Command::Serve(flags)) => serve::run(&flags),
        Some(Command::Operations(flags)) => operations::run(&flags),
        Some(Command::Call(flags)) => call::run(&flags),
        Some(Command::Event(flags)) => event::run(&flags),
        Some(Command::Console(flags)) => console::run(&flags),
        Some(Command::Fault(flags)) => fault::run(&flags),
        Some(Command::World(flags)) => world::run(&flags),
        Some(Command::Traffic(flags)) => traffic::run(&flags),
        Some(Command::Scopes(flags)) => scopes::run(&flags),
        Some(Command::Chat(flags)) => chat::run(&flags),
        Some(Command::Play(flags)) => play::run(&flags),
        Some(Command::Health(flags)) => health::run(&flags),
        Some(Command::Migrate(flags)) => migrate::run(&flags),
        Some(Command::Check(place)) => check::run(&place),
        Some(Command::Backup(flags)) => backup::run(&flags),
        Some(Command::Restore(flags)) => restore::run(&flags),
        Some(Command::Compact(place)) => compact::run(&place),
        Some(Command::Copy(flags)) => copy::run(&flags),
        Some(Command::Config) => config::run(),
        Some(Command::Document(flags)) => document::run(&flags),
        Some(Command::Completions(flags)) => completions::run(&flags),
        Some(Command::Man(flags)) => man::run(&flags),
    };
    crate::logs::finish();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            complain(&why);
            ExitCode::FAILURE
        }
    }
}

/// Prints an error. If that fails, the exit code still shows it.
fn complain(why: &str) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(format!("larkspur: {why}\n").as_bytes());
}

/// The address by which clients on this machine reach a server that listens on an address.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Writes to standard output. A reader that stops early is not an error.
fn print(text: &str) -> Result<(), String> {
    print_bytes(text.as_bytes())
}

fn print_bytes(bytes: &[u8]) -> Result<(), String> {
    use std::io::{ErrorKind, Write};
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("cannot write to standard output: {error}"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn each_subcommand_has_its_own_file() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli");
        for command in Cli::command().get_subcommands() {
            let file = folder.join(format!("{}.rs", command.get_name()));
            assert!(file.exists(), "{}", file.display());
        }
    }

    /// The commands that a document shows: what follows `larkspur` in inline code, and on the lines of shell blocks.
    fn shown(text: &str) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        let mut block = None;
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let mut line = line.trim().to_owned();
            if let Some(language) = line.strip_prefix("```") {
                block = if block.is_some() { None } else { Some(language.starts_with("sh")) };
                continue;
            }
            if block == Some(false) {
                continue;
            }
            while block.is_some() && line.ends_with('\\') {
                line.pop();
                line.push_str(lines.next().unwrap_or_default().trim());
            }
            let commands: Vec<&str> =
                if block.is_some() { vec![&line] } else { line.split('`').skip(1).step_by(2).collect() };
            for command in commands {
                let command = command.split(" # ").next().unwrap_or_default().trim_end_matches([' ', '&']);
                if let Some(words) =
                    command.strip_prefix("larkspur").filter(|rest| rest.is_empty() || rest.starts_with(' '))
                {
                    found.push(split(words));
                }
            }
        }
        found
    }

    /// The words of a command line as a shell splits them, up to where its output goes (`>`, `|`, `;`, `&`).
    fn split(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
        let mut letters = line.chars();
        while let Some(letter) = letters.next() {
            match (quote, letter) {
                (Some(open), _) if letter == open => quote = None,
                (None, '"' | '\'') => {
                    quote = Some(letter);
                    word.get_or_insert_default();
                }
                (None | Some('"'), '\\') => word.get_or_insert_default().extend(letters.next()),
                (None, '>' | '|' | ';' | '&') => break,
                (None, ' ') => words.extend(word.take()),
                _ => word.get_or_insert_default().push(letter),
            }
        }
        words.extend(word);
        words
    }

    #[test]
    fn lines_are_split_as_a_shell_does() {
        for (line, words) in [
            (
                r#"call ID --body "{\"a\":\"b c\"}" > file || true"#,
                vec!["call", "ID", "--body", r#"{"a":"b c"}"#],
            ),
            (r"list --name 'a > b' | head", vec!["list", "--name", "a > b"]),
        ] {
            assert_eq!(split(line), words, "{line}");
        }
    }

    #[test]
    fn commands_in_the_documents_exist() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let guide = std::fs::read_dir(root.join("docs/guide")).expect("the guide");
        let pages = guide.map(|page| page.expect("a page").path());
        let mut tried = 0;
        for page in pages.chain(["README.md", "README.zh-CN.md"].map(|name| root.join(name))) {
            let text = std::fs::read_to_string(&page).expect("a page");
            for words in shown(&text) {
                let all = std::iter::once("larkspur".to_owned()).chain(words);
                let all: Vec<String> = all.collect();
                // Text that names a command leaves out its arguments.
                let named = |error: &clap::Error| {
                    let bare =
                        all.iter().all(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
                    bare && error.kind() == clap::error::ErrorKind::MissingRequiredArgument
                };
                if let Err(error) = Cli::try_parse_from(&all) {
                    assert!(named(&error), "{}: {all:?}: {error}", page.display());
                }
                tried += 1;
            }
        }
        assert!(tried > 40, "{tried}");
    }

    #[test]
    fn both_readmes_install_this_program() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let package = env!("CARGO_PKG_NAME");
        let install = format!(
            "\ncargo install --locked --path crates/server    # or: --git REPOSITORY {package}\nlarkspur\n"
        );
        let path = root.join("crates/server");
        assert_eq!(
            path.canonicalize().ok(),
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().ok()
        );
        for page in ["README.md", "README.zh-CN.md"] {
            let text = std::fs::read_to_string(root.join(page)).expect("a page");
            let screen = text.lines().take(40).collect::<Vec<_>>().join("\n");
            assert!(screen.contains(&install) && screen.contains("`cargo run --release`"), "{page}");
        }
        let manifest = include_str!("../../Cargo.toml");
        assert!(manifest.contains("[[bin]]\nname = \"larkspur\"\n"), "{manifest}");
    }

    #[test]
    fn no_subcommand_serves() {
        let cli = Cli::try_parse_from(["larkspur", "--memory", "--listen", "127.0.0.1:0"]).expect("read");
        assert!(cli.command.is_none() && cli.serve.memory);
        let cli = Cli::try_parse_from(["larkspur", "serve", "--rate-limits", "off"]).expect("read");
        assert!(
            matches!(cli.command, Some(Command::Serve(flags)) if flags.rate_limits.as_deref() == Some("off"))
        );
    }
}
