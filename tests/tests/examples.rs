//! The examples of peers with a network stack of their own: `wire` and `tap`.

use std::process::Command;

use cable_car_tests::program::program;

#[test]
fn two_peers_on_a_wire_find_each_other_play_and_leave() {
    let output = Command::new(program("wire")).output().expect("it has just been built");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    for (who, what) in [
        ("ann", "has found 10.0.0.2:"),
        ("bob", "has found 10.0.0.1:"),
        ("ann", r#"Identify { username: "bob", hostname: "wire" }"#),
        ("bob", "Ball { x: 8, y: 3 }"),
        ("ann", "Ball { x: -8, y: 3 }"),
        ("bob", "Quit"),
        ("ann", "link has ended: the peer closed the link"),
    ] {
        let told = text.lines().any(|line| line.contains(who) && line.contains(what));
        assert!(told, "{who} {what}: {text}");
    }
    assert!(text.ends_with("the game is over\n"), "{text}");
    // Time is its own, and so is chance: every run is the same.
    let again = Command::new(program("wire")).output().expect("it has just run");
    assert_eq!(again.stdout, output.stdout);
}

#[cfg(target_os = "linux")]
mod tap {
    use std::{process::Command, time::Duration};

    use cable_car_std::{BroadcastConnector, Identify, Join, LinkError, message_set};
    use cable_car_tests::{
        netns::Lan,
        pair,
        process::{PATIENCE, Process, run},
        program::program,
        require::{Need, require, require_all},
    };

    message_set! {
        #[derive(Debug)]
        enum Talk: Byte { Identify, Join, Quit(cable_car_std::Quit) }
    }

    #[test]
    fn a_desktop_finds_a_peer_on_a_tap_and_they_talk_until_it_leaves() {
        if !require_all(&[Need::Namespaces, Need::Tap]) {
            return;
        }
        let lan = Lan::new(1);
        let ip = lan.tap("tap0");
        let mut command = lan.command(program("tap"));
        command.args(["--tap", "tap0", "--ip", &format!("{ip}/24"), "--name", "bob", "--for", "6"]);
        let mut tap = Process::spawn(command);
        let desktop = lan.host(0).ip().to_string();
        lan.host(0).enter(|| {
            let connector = BroadcastConnector::builder().start().expect("free ports");
            let mut peer = connector.next_peer::<Talk>(PATIENCE).expect("a peer on the tap");
            assert_eq!(peer.remote_address().ip(), ip);
            peer.send(&Identify::new("ann", "pc").expect("a short name")).expect("room");
            peer.send(&Join).expect("room");
            assert!(
                matches!(pair::next(&mut peer), Talk::Identify(who) if who.username() == "bob")
            );
            assert!(matches!(pair::next(&mut peer), Talk::Join(_)));
            for words in [" joined", r#": Identify(Identify { username: "ann", "#, ": Join("] {
                let told = |line: &str| line.starts_with(&desktop) && line.contains(words);
                tap.expect_line(PATIENCE, told);
            }
            assert!(matches!(pair::next(&mut peer), Talk::Quit(_)));
            assert_eq!(pair::end(&mut peer), LinkError::ClosedByPeer);
        });
        let status = tap.wait(PATIENCE).expect("it ends");
        assert!(status.success(), "{status}: {}", tap.transcript());
    }

    #[test]
    fn what_is_wrong_with_the_device_or_the_options_is_told() {
        let fails = |mut command: Command, words: &str| {
            let output = command.output().expect("it has just been built");
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success() && text.contains(words), "{words}: {text}");
            assert!(!text.contains("panicked"), "{text}");
        };
        for (ip, words) in
            [("10.77.0.2", "no /N"), ("10.77.0/24", "address"), ("10.77.0.2/x", "bits")]
        {
            let mut command = Command::new(program("tap"));
            command.args(["--tap", "tap0", "--ip", ip]);
            fails(command, words);
        }
        if !require(Need::Namespaces) || !require(Need::Tap) {
            return;
        }
        let lan = Lan::new(1);
        let mut command = lan.command(program("tap"));
        command.args(["--tap", "tap7", "--ip", "10.77.0.2/24", "--for", "1"]);
        fails(command, "there is no tap7: make it with: ip tuntap add dev tap7");
        run(lan.command("ip").args(["tuntap", "add", "dev", "tap7", "mode", "tap"]))
            .expect("as root");
        let mut command = lan.command(program("tap"));
        command.args(["--tap", "tap7", "--ip", "10.77.0.2/24", "--for", "1"]);
        fails(command, "tap7 is down: ip link set tap7 up");
        let ip = lan.tap("tap0").to_string();
        for (ip, more, words) in [
            (format!("{ip}/0"), vec![], "IPv4 address"),
            (format!("{ip}/24"), vec!["--gateway", "192.0.2.1"], "gateway"),
            (format!("{ip}/24"), vec!["--name", "a@b"], "@"),
        ] {
            let mut command = lan.command(program("tap"));
            command.args(["--tap", "tap0", "--ip", &ip, "--for", "1"]).args(more);
            fails(command, words);
        }
    }

    #[test]
    fn an_idle_tap_sleeps() {
        if !require_all(&[Need::Namespaces, Need::Tap]) {
            return;
        }
        let lan = Lan::new(1);
        let ip = lan.tap("tap0");
        let mut command = lan.command(program("tap"));
        command.args(["--tap", "tap0", "--ip", &format!("{ip}/24")]);
        let mut tap = Process::spawn(command);
        tap.expect_line(PATIENCE, |line| line.contains(" is at "));
        let before = tap.cpu_time().expect("it runs");
        std::thread::sleep(Duration::from_secs(2));
        let busy = tap.cpu_time().expect("it runs") - before;
        assert!(busy < Duration::from_millis(400), "{busy:?} of two seconds");
    }
}
