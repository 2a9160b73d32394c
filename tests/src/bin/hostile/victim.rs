//! A program as any: it links with whom it finds, and sends back every message. What is thrown at it,
//! [`cable_car_tests::hostile`] knows.
//!
//! A peer that does not read what it is sent is not read from either, until there is room.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use cable_car_std::{BroadcastConnector, BufferSize, Messenger, Watch};
use cable_car_tests::messages::Client;

/// Enough for a thousand frames; a hundred peers that do not read take 20 MiB.
const BUFFERS: BufferSize = BufferSize { initial: 1 << 12, limit: 1 << 16 };

pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    let mut watch = Watch::new()?;
    let connector = BroadcastConnector::builder()
        .interval(Duration::from_millis(200))
        .wake(watch.waker())
        .start()?;
    println!("started");
    let mut peers: HashMap<usize, Messenger<Client>> = HashMap::new();
    let mut next_key = 0;
    let mut trouble = None;
    loop {
        let ready: Vec<usize> = watch.wait(Some(Duration::from_secs(1)))?.collect();
        if connector.trouble() != trouble {
            trouble = connector.trouble();
            println!("trouble: {}", trouble.as_deref().unwrap_or("none"));
        }
        while let Ok(connection) = connector.next_connection(Duration::ZERO) {
            let mut peer = Messenger::with_buffers(connection, BUFFERS);
            next_key += 1;
            // One that can not be watched is let go, and linked again when it is heard.
            if watch.add(next_key, &mut peer).is_ok() {
                peers.insert(next_key, peer);
            }
        }
        for key in ready {
            if let Some(peer) = peers.get_mut(&key)
                && let Err(end) = serve(peer)
            {
                println!("ended {}: {end}", peer.remote_address());
                peers.remove(&key);
            }
        }
    }
}

/// Sends back what has come, as long as there is room.
fn serve(peer: &mut Messenger<Client>) -> Result<(), cable_car_std::LinkError> {
    loop {
        peer.xfer()?;
        let mut served = false;
        while peer.queued() < BUFFERS.limit / 2
            && let Some(message) = peer.get()
        {
            served = true;
            if let Ok(Client::Numbered(message)) = message {
                // There is room; and if the link has ended, the next transfer says so.
                let _ = peer.send(&message);
            }
        }
        if !served {
            return Ok(());
        }
    }
}
