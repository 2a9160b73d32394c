//! The end of a link is told, also where it comes together with the last message.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::sleep;
use std::time::Duration;

use cable_car_std::{
    Connection, Join, LinkError, Messenger, RecvError, SendError, Watch, message_set,
};

message_set! {
    /// Messages of this test.
    #[derive(Debug)]
    enum Game: Byte { Join }
}

const PATIENCE: Option<Duration> = Some(Duration::from_secs(2));

fn pair() -> io::Result<(Messenger<Game>, Messenger<Game>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let here = TcpStream::connect(listener.local_addr()?)?;
    let there = listener.accept()?.0;
    Ok((Connection::try_from(here)?.into(), Connection::try_from(there)?.into()))
}

/// Both the message and the end are there before anybody looks.
fn join_and_close(mut there: Messenger<Game>) -> Result<(), SendError> {
    there.send_wait(&Join, PATIENCE)?;
    there.close();
    sleep(Duration::from_millis(20));
    Ok(())
}

#[test]
fn recv_tells_an_end_that_came_with_the_last_message() {
    let (mut here, there) = pair().unwrap();
    // From now on the system tells when there is something to read.
    let nothing = here.recv(Some(Duration::from_millis(1)));
    assert!(matches!(nothing, Err(RecvError::TimedOut)), "{nothing:?}");
    join_and_close(there).unwrap();
    assert!(matches!(here.recv(PATIENCE), Ok(Game::Join(_))));
    let end = here.recv(PATIENCE);
    assert!(matches!(end, Err(RecvError::Ended(LinkError::ClosedByPeer))), "{end:?}");
}

#[test]
fn watch_tells_an_end_that_came_with_the_last_message() {
    let (mut here, there) = pair().unwrap();
    let mut watch = Watch::new().unwrap();
    watch.add(7, &mut here).unwrap();
    join_and_close(there).unwrap();
    let mut joined = false;
    for _ in 0..3 {
        for key in watch.wait(PATIENCE).unwrap() {
            assert_eq!(key, 7);
            if here.xfer().is_err() {
                assert!(joined);
                return;
            }
            while let Some(message) = here.get() {
                assert!(matches!(message, Ok(Game::Join(_))));
                joined = true;
            }
        }
    }
    panic!("the end was not told");
}

/// Nothing more comes by which a watch could wake: the peer waits.
#[test]
fn watch_tells_that_a_link_is_out_of_step_behind_a_message() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let connection = Connection::try_from(listener.accept().unwrap().0).unwrap();
    let mut here: Messenger<Game> = connection.into();
    let mut watch = Watch::new().unwrap();
    watch.add(7, &mut here).unwrap();
    peer.write_all(&[2, 2, 1, 2]).unwrap();
    let mut joined = 0;
    for _ in 0..5 {
        for _ in watch.wait(PATIENCE).unwrap() {
            if let Err(end) = here.xfer() {
                assert_eq!((end, joined), (LinkError::FrameLength { length: 1 }, 1));
                return;
            }
            while let Some(message) = here.get() {
                assert!(matches!(message, Ok(Game::Join(_))));
                joined += 1;
            }
        }
    }
    panic!("the end was not told");
}
