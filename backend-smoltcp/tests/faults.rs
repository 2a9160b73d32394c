//! Peers that die, links that go, frames that are lost.
#![allow(clippy::unwrap_used)] // a test may panic

mod common;

use core::time::Duration;

use cable_car_smoltcp::smoltcp::phy::{Device, FaultInjector};
use cable_car_smoltcp::{Error, Stack, TcpSocket, smoltcp};
use common::*;
use embedded_nal::{TcpClientStack, TcpFullStack, UdpFullStack};
use nb::Error::WouldBlock;

fn received<D: Device>(
    stack: &mut Stack<'_, D>,
    socket: &mut TcpSocket,
) -> Option<Result<usize, Error>> {
    settled(stack.receive(socket, &mut [0; 64]))
}

#[test]
fn a_dead_peer_is_noticed_within_three_seconds_though_nothing_is_sent() {
    for idle in [0, 500, 1000, 60_000] {
        let mut pair = Pair::new();
        let (_listener, mut client, mut server) = pair.connected();
        pair.run(ms(idle));
        assert_eq!(received(&mut pair.left, &mut client), None, "alive after {idle} ms");
        pair.wire.set_plugged(false);
        let took = pair
            .run_until(ms(10_000), |pair| received(&mut pair.left, &mut client).is_some())
            .expect("noticed");
        assert!(took <= ms(3000), "{took:?} after {idle} ms of silence");
        assert_eq!(received(&mut pair.left, &mut client), Some(Err(Error::TimedOut)));
        assert_eq!(settled(pair.left.send(&mut client, b"x")), Some(Err(Error::TimedOut)));
        pair.run(ms(3000));
        assert_eq!(received(&mut pair.right, &mut server), Some(Err(Error::TimedOut)));
        pair.left.close(client).unwrap();
    }
}

#[test]
fn a_dead_peer_is_noticed_within_three_seconds_while_data_is_sent() {
    for pause in [10, 700, 1400, 2900] {
        let mut pair = Pair::new();
        let (_listener, mut client, _server) = pair.connected();
        pair.run(ms(333));
        pair.wire.set_plugged(false);
        let mut waited = Duration::ZERO;
        let error = loop {
            match pair.left.send(&mut client, b"are you there?") {
                Err(nb::Error::Other(error)) => break error,
                Ok(_) | Err(WouldBlock) => {}
            }
            assert!(waited <= ms(3000), "not noticed, sending every {pause} ms");
            let step = ms(pause).min(ms(3000).saturating_sub(waited)).max(ms(1));
            pair.run(step);
            waited += step;
        };
        assert_eq!(error, Error::TimedOut);
    }
}

#[test]
fn a_peer_that_died_before_it_was_accepted_is_not_given_more_time() {
    let mut pair = Pair::new();
    let mut listener = listen(&mut pair.right, PORT);
    let (_client, outcome) = pair.dial(ms(100));
    assert_eq!(outcome, Some(Ok(())));
    pair.wire.set_plugged(false);
    pair.run(ms(2000));
    let (mut accepted, _) = pair.right.accept(&mut listener).unwrap();
    pair.run(ms(1000));
    assert_eq!(received(&mut pair.right, &mut accepted), Some(Err(Error::TimedOut)));
}

#[test]
fn the_time_can_be_set_and_probing_be_left_off() {
    for (timeout, limit) in [(Some(ms(600)), Some(ms(600))), (None, None)] {
        let with_timeout = |number| {
            let mut config = config(number);
            config.dead_peer_timeout = timeout;
            config
        };
        let mut pair = Pair::with(with_timeout, |end| end);
        let (_listener, mut client, _server) = pair.connected();
        pair.wire.set_plugged(false);
        let took =
            pair.run_until(ms(60_000), |pair| received(&mut pair.left, &mut client).is_some());
        assert!(took <= limit && took.is_some() == limit.is_some(), "{timeout:?}: {took:?}");
    }
}

#[test]
fn a_peer_that_takes_nothing_is_not_dead() {
    // The peer sends no probes of its own: it only answers ours, which become ever more seldom.
    let silent_right = |number| {
        let mut config = config(number);
        if number == 2 {
            config.dead_peer_timeout = None;
        }
        config
    };
    let mut pair = Pair::with(silent_right, |end| end);
    let (_listener, mut client, mut server) = pair.connected();
    let data = [3; 4096];
    let mut sent = pair.left.send(&mut client, &data).unwrap();
    for _ in 0..20 {
        pair.run(ms(5000));
        match pair.left.send(&mut client, &data) {
            Ok(count) => sent += count,
            Err(error) => assert_eq!(error, WouldBlock, "alive, with its window closed"),
        }
    }
    let mut got = 0;
    pair.run_until(ms(100_000), |pair| {
        got += pair.right.receive(&mut server, &mut [0; 512]).unwrap_or(0);
        got == sent
    })
    .expect("all of it, once the peer reads");

    // And when it does die with its window closed, that is noticed as well, only later.
    while pair.left.send(&mut client, &data).is_ok() {
        pair.run(ms(50));
    }
    pair.run(ms(10_000));
    pair.wire.set_plugged(false);
    let died = pair.run_until(ms(60_000), |pair| {
        settled(pair.left.send(&mut client, b"x")) == Some(Err(Error::TimedOut))
    });
    assert!(died.is_some());
}

#[test]
fn a_program_that_was_away_gives_its_peers_the_time_to_answer() {
    let mut pair = Pair::new();
    let (_listener, mut client, mut server) = pair.connected();
    // Both sides do other things for a minute.
    pair.now += ms(60_000);
    pair.run(ms(10_000));
    assert_eq!(received(&mut pair.left, &mut client), None);
    assert_eq!(received(&mut pair.right, &mut server), None);
}

#[test]
fn a_short_break_of_the_link_costs_nothing_and_a_long_one_the_connections() {
    let mut pair = Pair::new();
    let (_listener, mut client, mut server) = pair.connected();
    pair.left.set_link_up(false);
    pair.left.send(&mut client, b"kept").unwrap();
    pair.run(ms(1500));
    assert!(!pair.left.is_link_up());
    pair.left.set_link_up(true);
    pair.run(ms(1500));
    assert_eq!(received(&mut pair.right, &mut server), Some(Ok(4)));
    assert_eq!(received(&mut pair.left, &mut client), None);

    pair.left.set_link_up(false);
    pair.run(ms(3100));
    assert_eq!(received(&mut pair.left, &mut client), Some(Err(Error::TimedOut)));
    pair.left.close(client).unwrap();
    pair.left.set_link_up(true);
    let (_, outcome) = pair.dial(ms(3000));
    assert_eq!(outcome, Some(Ok(())), "no restart needed");
}

#[test]
fn an_idle_pair_is_polled_seldom() {
    let mut pair = Pair::new();
    let (_listener, _client, _server) = pair.connected();
    let mut beacon = embedded_nal::UdpClientStack::socket(&mut pair.left).unwrap();
    UdpFullStack::bind(&mut pair.left, &mut beacon, 8222).unwrap();
    pair.run(ms(100));
    pair.polls = 0;
    pair.run(ms(60_000));
    // Each side probes once a second: a probe, its answer, and the two timers.
    assert!(pair.polls < 60 * 8, "{} polls in a minute", pair.polls);

    let mut alone = Pair::new();
    alone.run(ms(10));
    assert_eq!(alone.left.poll_at(alone.now), None);
    assert_eq!(alone.left.poll_delay(alone.now), None);
}

#[test]
fn what_is_queued_wants_a_poll_at_once_and_a_full_device_does_not() {
    let mut pair = Pair::new();
    let (_listener, mut client, _server) = pair.connected();
    pair.run(ms(100));
    assert!(pair.left.poll_at(pair.now) > Some(pair.now));
    pair.left.send(&mut client, b"x").unwrap();
    assert_eq!(pair.left.poll_at(pair.now), Some(pair.now));
    pair.left.poll(pair.now);
    assert!(pair.left.poll_at(pair.now) > Some(pair.now));

    let mut beacon = embedded_nal::UdpClientStack::socket(&mut pair.left).unwrap();
    for _ in 0..100 {
        let everybody = "255.255.255.255:8222".parse().unwrap();
        let _ = pair.left.send_to(&mut beacon, everybody, b"x");
        pair.left.poll(pair.now);
    }
    assert!(pair.left.poll_delay(pair.now) >= Some(ms(5)), "the wire is full");
}

/// Nobody is given up: the pauses between retransmissions grow to a minute.
fn faulty(mut with_faults: impl FnMut(&mut FaultInjector<End>)) -> Pair<FaultInjector<End>> {
    let mut seed = 11;
    let config = |number| {
        let mut config = config(number);
        config.dead_peer_timeout = Some(ms(3_600_000));
        config.connect_timeout = ms(3_600_000);
        config
    };
    Pair::with(config, |end| {
        seed += 1;
        let mut device = FaultInjector::new(end, seed);
        with_faults(&mut device);
        device
    })
}

/// Both sides send so many bytes to each other, close, and must have got each other's.
fn exchange<D: Device>(mut pair: Pair<D>, bytes: usize, limit: Duration) {
    let (_listener, mut client, mut server) = pair.connected();
    let data: Vec<u8> =
        (0..bytes as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let (mut from_left, mut from_right) = (Vec::new(), Vec::new());
    let (mut sent_left, mut sent_right) = (0, 0);
    let mut buffer = [0; 700];
    let done = pair.run_until(limit, |pair| {
        sent_left += pair.left.send(&mut client, &data[sent_left..]).unwrap_or(0);
        sent_right += pair.right.send(&mut server, &data[sent_right..]).unwrap_or(0);
        if let Ok(count) = pair.right.receive(&mut server, &mut buffer) {
            from_left.extend_from_slice(&buffer[..count]);
        }
        if let Ok(count) = pair.left.receive(&mut client, &mut buffer) {
            from_right.extend_from_slice(&buffer[..count]);
        }
        from_left.len() >= bytes && from_right.len() >= bytes
    });
    assert!(done.is_some(), "{} and {} bytes of {bytes}", from_left.len(), from_right.len());
    assert!(from_left == data && from_right == data);
}

#[test]
fn every_byte_arrives_in_order_over_a_good_wire() {
    exchange(Pair::new(), 200_000, ms(60_000));
}

#[test]
fn every_byte_arrives_in_order_though_frames_are_lost() {
    exchange(faulty(|device| device.set_drop_chance(10)), 30_000, ms(10_000_000));
}

#[test]
fn every_byte_arrives_in_order_though_frames_are_damaged() {
    exchange(faulty(|device| device.set_corrupt_chance(10)), 30_000, ms(10_000_000));
}

#[test]
fn every_byte_arrives_in_order_though_frames_overtake_each_other() {
    let pair = Pair::new();
    pair.wire.set_swap_every(3);
    exchange(pair, 100_000, ms(600_000));
}

#[test]
fn every_byte_arrives_in_order_though_frames_are_rationed() {
    let pair = faulty(|device| {
        device.set_max_tx_rate(4);
        device.set_max_rx_rate(4);
        device.set_bucket_interval(smoltcp::time::Duration::from_millis(20));
    });
    exchange(pair, 30_000, ms(10_000_000));
}
