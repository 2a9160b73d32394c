//! The end of a link is told, also where it comes together with the last message.

use std::io;
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
