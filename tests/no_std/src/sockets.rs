//! Connectors and messengers over a stack.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use core::time::Duration;

use cable_car::discovery::{
    Action, Announcement, Config, Discovery, Hello, Instance, LONGEST, Reached,
};
use cable_car::nal::{
    BroadcastConnector, Connection, DirectClient, DirectServer, Event, Messenger,
};
use cable_car::{Instant, Join, LinkError, Quit};
use embedded_nal::nb;

use crate::links::{Bytes, Lines};
use crate::stack::{HOST, Socket, Stack};

pub fn discovery() {
    let now = Instant::from_millis(0);
    let mut discovery: Discovery<4> = Discovery::new(Config::new(Instance::new(1)), now);
    assert!(discovery.poll(now) == Some(Action::Broadcast));
    let peer = Announcement { instance: Instance::new(2), ..discovery.announcement() };
    let from = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 50_000);
    discovery.heard(now, from, peer.write(&mut [0; LONGEST]));
    assert!(discovery.poll(now) == Some(Action::Answer(from)));
    let Some(Action::Dial(dial, _)) = discovery.poll(now) else { panic!() };
    let Reached::Greet(hello) = discovery.reached(now, dial) else { panic!() };
    let welcome = Hello { welcome: true, from: hello.to, to: hello.from, ..hello };
    let Some(link) = discovery.welcomed(now, dial, &welcome) else { panic!() };
    assert!(discovery.linked().count() == 1);
    assert!(discovery.unlinked(now, link).is_some());
}

pub fn broadcast() {
    let mut stack = Stack::new();
    let mut now = Instant::from_millis(0);
    let config = Config { allow_loopback: true, ..Config::new(Instance::new(1)) };
    let mut connector: BroadcastConnector<Stack, 4> = BroadcastConnector::new(config, now);
    let mut ends: [Option<Connection<Socket>>; 2] = [None, None];
    let mut found = 0;
    for _ in 0..100 {
        match connector.poll(&mut stack, now) {
            Ok(Some(Event::Joined { connection, .. })) => {
                ends[found] = Some(connection);
                found += 1;
            }
            Ok(None) => now = now + Duration::from_millis(10),
            _ => panic!(),
        }
        if found == 2 {
            break;
        }
    }
    // It found itself, once as the one who dials and once as the one who is dialled.
    let [Some(dialled), Some(accepted)] = ends else { panic!() };
    assert!(connector.linked().map(|(_, address)| address).eq([HOST]));
    connector.stop(&mut stack);
    assert!(stack.open == 2);
    let mut here: Messenger<Lines<'_>, _, _, _> = Messenger::new(dialled, [0; 64], [0; 64]);
    let mut there: Messenger<Lines<'_>, _, _, _> = Messenger::new(accepted, [0; 64], [0; 64]);
    assert!(here.send(&Join).is_ok() && here.send(&Quit).is_ok());
    let mut got = 0;
    for _ in 0..10 {
        assert!(here.xfer(&mut stack).is_ok() && there.xfer(&mut stack).is_ok());
        while let Some(message) = there.get() {
            assert!(matches!(message, Ok(Lines::Join(_) | Lines::Quit(_))));
            got += 1;
        }
    }
    assert!(got == 2);
    assert!(here.shutdown(&mut stack, now, now).is_ok());
    assert!(there.xfer(&mut stack) == Err(LinkError::ClosedByPeer));
    assert!(stack.open == 0);
}

pub fn direct() {
    let mut stack = Stack::new();
    let now = Instant::from_millis(0);
    let mut server = DirectServer::new(8223, None);
    assert!(matches!(server.poll(&mut stack, now), Err(nb::Error::WouldBlock)));
    let remote = SocketAddr::from((HOST, 8223));
    let mut client = DirectClient::new(remote, now + DirectClient::<Socket>::TIMEOUT);
    let Ok(here) = client.poll(&mut stack, now) else { panic!() };
    let Ok(there) = server.poll(&mut stack, now) else { panic!() };
    assert!(here.remote == remote && there.remote.ip() == HOST);
    let mut here: Messenger<Bytes<'_>, _, _, _> = Messenger::new(here, [0; 64], [0; 64]);
    let mut there: Messenger<Bytes<'_>, _, _, _> = Messenger::new(there, [0; 64], [0; 64]);
    assert!(there.send(&Join).is_ok() && there.xfer(&mut stack).is_ok());
    assert!(here.xfer(&mut stack).is_ok());
    assert!(matches!(here.get(), Some(Ok(Bytes::Join(_)))));
    here.close(&mut stack);
    there.close(&mut stack);
    server.close(&mut stack);
    client.close(&mut stack);
    assert!(stack.open == 0);
}
