//! Test mode and production mode: what each allows.

use std::net::SocketAddr;
use std::time::Duration;

use larkspur_api::{Settings, UserPicker};

use crate::config::{AllowPrivate, Config, Demo, Mode, Record, ServeConsole};
use crate::console::{ConsoleOptions, Place};
use crate::site::{Names, host_of};
use crate::traffic::TrafficOptions;

/// The fewest characters of a control key that is reachable from other machines.
const KEY_MIN: usize = 16;

/// The resolved mode of a server, which decides several defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stance {
    production: bool,
    loopback: bool,
}

impl Stance {
    /// Resolves the mode from the settings and the listening address.
    ///
    /// # Errors
    /// The settings contradict each other, or the control key is too short for the address.
    pub(super) fn of(config: &Config, address: SocketAddr) -> Result<Self, String> {
        let loopback = address.ip().is_loopback();
        let production = match config.mode {
            Mode::Auto => !loopback,
            Mode::Test => false,
            Mode::Production => true,
        };
        if config.mode == Mode::Production && config.demo == Demo::Always {
            return Err(
                "--demo prints secrets, and --mode production never does: leave one of them out, or create a \
                        world with the control API"
                    .to_owned(),
            );
        }
        let key = config.control_key.len();
        if (production || !loopback) && (1..KEY_MIN).contains(&key) {
            return Err(format!(
                "the control key has {key} characters and needs at least {KEY_MIN} when other machines can reach it: create one \
                 with `openssl rand -hex 16`, or leave it out and use the random one from the ready file"
            ));
        }
        if !production && !loopback && config.http.hosts.is_empty() {
            tracing::warn!(
                address = %address,
                "in test mode the control API, the sign-in pages and the documents answer only under names of this machine: \
                 add the names that others use to [http] hosts, or use --mode production"
            );
        }
        Ok(Stance { production, loopback })
    }

    /// `test` or `production`.
    pub(super) fn name(&self) -> &'static str {
        if self.production { "production" } else { "test" }
    }

    /// Whether an empty store gets a demo world, and secrets are printed.
    pub(super) fn is_open(&self, config: &Config) -> bool {
        config.demo == Demo::Always || (config.demo == Demo::Auto && !self.production)
    }

    /// The switches of the operations.
    pub(super) fn settings(&self, config: &Config) -> Settings {
        let mut settings = config.behaviours.clone();
        settings.outbound_ips.clone_from(&config.events.outbound_ips);
        if settings.user_picker == UserPicker::Auto && self.production {
            settings.user_picker = UserPicker::Off;
        }
        settings
    }

    /// Whether events may be posted to addresses that are not public.
    pub(super) fn allow_private(&self, config: &Config) -> bool {
        match config.events.allow_private {
            AllowPrivate::Auto => !self.production,
            AllowPrivate::On => true,
            AllowPrivate::Off => false,
        }
    }

    /// How much is recorded of calls; `None` for nothing.
    pub(super) fn traffic(&self, config: &Config) -> Option<TrafficOptions> {
        let on = match config.traffic.record {
            Record::Auto => self.loopback && !self.production,
            Record::On => true,
            Record::Off => false,
        };
        on.then(|| config.traffic.options())
    }

    /// How the console is served on an address, if it is; `base_url` is the URL that clients use.
    ///
    /// # Errors
    /// The settings would show it to others without encryption, or files of this machine.
    pub(super) fn console(
        &self,
        config: &Config,
        address: SocketAddr,
        base_url: &str,
    ) -> Result<Option<ConsoleOptions>, String> {
        let url = &config.console.url;
        let folder = Some(config.console.dir.clone()).filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some() && !self.loopback {
            return Err(format!(
                "--console-dir serves files of this machine, and {address} is reachable from others: leave it out, or \
                 listen on 127.0.0.1"
            ));
        }
        let on = match config.console.serve {
            ServeConsole::Auto => self.loopback && !self.production,
            ServeConsole::On => true,
            ServeConsole::Off => false,
        };
        if on && !self.loopback && !url.starts_with("https://") {
            return Err(
                "[console] serve = \"on\" needs a url with https:// when other machines can reach the server: set \
                 [console] url to the URL of a proxy that encrypts, or serve on 127.0.0.1"
                    .to_owned(),
            );
        }
        let place = match url.as_str() {
            "" => Place::Machine(address),
            url => Place::Url(url.to_owned()),
        };
        Ok(on.then(|| ConsoleOptions {
            place,
            links: self.loopback,
            folder,
            base_url: base_url.to_owned(),
            mode: self.name(),
        }))
    }

    /// For how long calls are still served after SIGTERM, unless it is set.
    pub(super) fn lame_duck(&self) -> Duration {
        Duration::from_secs(if self.production { 5 } else { 0 })
    }

    /// The host names under which it answers.
    pub(super) fn names(&self, config: &Config) -> Names {
        if self.production && config.http.hosts.is_empty() {
            return Names::Any;
        }
        let urls = [&config.public_url, &config.console.url];
        let public = urls.into_iter().filter_map(|url| host_of(url)).map(str::to_owned);
        Names::Only(config.http.hosts.iter().cloned().chain(public).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(flags: &[(&str, &str)]) -> Config {
        let flags: Vec<_> = flags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        Config::load(None, [], &flags).unwrap_or_else(|error| panic!("{error}"))
    }

    fn stance(address: &str, flags: &[(&str, &str)]) -> Result<(Stance, Config), String> {
        let config = config(flags);
        Stance::of(&config, address.parse().expect("an address")).map(|stance| (stance, config))
    }

    #[test]
    fn the_address_decides_unless_the_mode_was_chosen() {
        for (address, mode, name) in [
            ("127.0.0.1:1", "auto", "test"),
            ("[::1]:1", "auto", "test"),
            ("0.0.0.0:1", "auto", "production"),
            ("10.0.0.1:1", "auto", "production"),
            ("127.0.0.1:1", "production", "production"),
            ("0.0.0.0:1", "test", "test"),
        ] {
            let (stance, config) = stance(address, &[("mode", mode)]).expect("sound");
            let test = name == "test";
            assert_eq!(stance.name(), name, "{address} {mode}");
            assert_eq!(stance.lame_duck().as_secs(), if test { 0 } else { 5 });
            assert_eq!((stance.is_open(&config), stance.allow_private(&config)), (test, test));
            let picker = if test { UserPicker::Auto } else { UserPicker::Off };
            assert_eq!(stance.settings(&config).user_picker, picker);
            assert_eq!(stance.names(&config) == Names::Any, !test);
        }
    }

    #[test]
    fn calls_are_recorded_on_loopback_in_test_mode_or_if_it_is_set() {
        for (address, mode, record, on) in [
            ("127.0.0.1:1", "auto", "auto", true),
            ("127.0.0.1:1", "production", "auto", false),
            ("0.0.0.0:1", "test", "auto", false),
            ("10.0.0.1:1", "auto", "auto", false),
            ("10.0.0.1:1", "auto", "on", true),
            ("127.0.0.1:1", "auto", "off", false),
        ] {
            let (stance, config) =
                stance(address, &[("mode", mode), ("traffic.record", record)]).expect("sound");
            assert_eq!(stance.traffic(&config).is_some(), on, "{address} {mode} {record}");
        }
    }

    #[test]
    fn the_console_is_for_this_machine_unless_it_has_an_encrypted_url() {
        let url = ("console.url", "https://a.example");
        let served = |address: &str, flags: &[(&str, &str)]| {
            let (stance, config) = stance(address, flags).expect("sound");
            stance.console(&config, address.parse().expect("an address"), "http://base")
        };
        let machine = |address: &str| Place::Machine(address.parse().expect("an address"));
        for (address, flags, expected) in [
            ("127.0.0.1:7", &[][..], Some((machine("127.0.0.1:7"), true))),
            ("[::1]:7", &[], Some((machine("[::1]:7"), true))),
            ("127.0.0.1:7", &[("console.serve", "off")], None),
            ("127.0.0.1:7", &[("mode", "production")], None),
            (
                "127.0.0.1:7",
                &[("mode", "production"), ("console.serve", "on")],
                Some((machine("127.0.0.1:7"), true)),
            ),
            ("127.0.0.1:7", &[url], Some((Place::Url(url.1.to_owned()), true))),
            ("0.0.0.0:7", &[], None),
            ("0.0.0.0:7", &[("mode", "test")], None),
            ("0.0.0.0:7", &[("console.serve", "on"), url], Some((Place::Url(url.1.to_owned()), false))),
        ] {
            let console = served(address, flags).expect("sound");
            assert_eq!(console.map(|it| (it.place, it.links)), expected, "{address} {flags:?}");
        }
        for flags in
            [&[("console.serve", "on")][..], &[("console.serve", "on"), ("console.url", "http://a.example")]]
        {
            let why = served("0.0.0.0:7", flags).expect_err("not encrypted");
            assert!(why.contains("https://"), "{why}");
        }
        let why = served("0.0.0.0:7", &[("console.dir", "x")]).expect_err("files of this machine");
        assert!(why.contains("--console-dir"), "{why}");
    }

    #[test]
    fn each_thing_can_be_allowed_by_itself() {
        let allowed =
            [("mode", "production"), ("behaviours.user_picker", "true"), ("events.allow_private", "on")];
        let (stance, config) = stance("127.0.0.1:1", &allowed).expect("sound");
        assert_eq!(stance.settings(&config).user_picker, UserPicker::On);
        assert!(stance.allow_private(&config) && !stance.is_open(&config));
    }

    #[test]
    fn names_are_those_of_the_list_and_the_public_one() {
        let flags = [("public_url", "https://a.example:8443"), ("http.hosts", "b.example,10.0.0.1")];
        let (stance, config) = stance("127.0.0.1:1", &flags).expect("sound");
        let names = ["b.example", "10.0.0.1", "a.example"].map(str::to_owned);
        assert_eq!(stance.names(&config), Names::Only(names.to_vec()));
    }

    #[test]
    fn what_would_be_unsafe_is_refused() {
        let why = stance("127.0.0.1:1", &[("mode", "production"), ("demo", "always")]).err().expect("both");
        assert!(why.contains("--demo") && why.contains("--mode production"), "{why}");
        let short = ("control_key", "fifteen-letters");
        for (address, mode) in [("10.0.0.1:1", "auto"), ("10.0.0.1:1", "test"), ("127.0.0.1:1", "production")]
        {
            let why = stance(address, &[("mode", mode), short]).err().expect("too short");
            assert!(why.contains("has 15 characters") && !why.contains(short.1), "{why}");
            stance(address, &[("mode", mode), ("control_key", "sixteen--letters")]).expect("long enough");
            stance(address, &[("mode", mode)]).expect("a random one");
        }
        stance("127.0.0.1:1", &[short]).expect("for tests on this machine");
    }
}
