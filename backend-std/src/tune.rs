//! How every connection is set up: no delay for small frames, and an end when the peer is gone.

use std::io;
use std::time::Duration;

use mio::net;
use socket2::{SockRef, TcpKeepalive};

/// How long a peer may leave what it was sent unacknowledged, a probe of an idle link among that, or
/// its window closed, before the link is given up, whoever it is. Linux counts all alike, so that
/// this is also how long a program may stop to read: longer than a machine may be silent whose beacons
/// are missed, since a program at work for a few seconds is not dead.
///
/// ```
/// assert_eq!(cable_car_std::UNACKNOWLEDGED_TIMEOUT.as_secs(), 10);
/// ```
pub const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(10);

/// The same for a peer whose beacons have fallen silent.
#[cfg(any(target_os = "linux", target_os = "android"))]
const DOUBTED_TIMEOUT: Duration = Duration::from_secs(1);

/// What every connection gets.
pub(crate) fn tune(stream: &net::TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keep_alive = probes();
    #[cfg(not(windows))]
    let keep_alive = keep_alive.with_retries(2);
    socket.set_tcp_keepalive(&keep_alive)?;
    // Linux looks at the time of what is unacknowledged only when it repeats it, which it would do more
    // and more rarely: in time for a doubt or not before 3 s. A few packets are repeated steadily.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_thin_linear_timeouts(true)?;
    trust(stream)
}

/// Makes what is unacknowledged end a connection soon, an unanswered probe at once.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn doubt(stream: &net::TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_user_timeout(Some(DOUBTED_TIMEOUT))?;
    // Setting the same time again makes Linux look at the probes now.
    socket.set_tcp_keepalive(&probes())
}

/// Elsewhere unanswered probes end an idle connection by themselves, and what is sent has no limit
/// that could be set.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn doubt(_: &net::TcpStream) -> io::Result<()> {
    Ok(())
}

/// Gives a connection the time that any has.
pub(crate) fn trust(stream: &net::TcpStream) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    SockRef::from(stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED_TIMEOUT))?;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = stream;
    Ok(())
}

/// An idle peer is probed after a second, and each second.
fn probes() -> TcpKeepalive {
    let probe = Duration::from_secs(1);
    TcpKeepalive::new().with_time(probe).with_interval(probe)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// That it ends a doubted link sooner depends on the congestion control of the system: BBR takes no
    /// notice.
    #[test]
    fn few_packets_are_repeated_steadily() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let stream = net::TcpStream::connect(address).expect("it listens");
        tune(&stream).expect("options that Linux knows");
        assert!(SockRef::from(&stream).tcp_thin_linear_timeouts().expect("one of them"));
    }
}
