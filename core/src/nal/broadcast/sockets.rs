//! The sockets of a connector.

use embedded_nal::{TcpClientStack, TcpFullStack, UdpClientStack, UdpFullStack};

use super::error::{ConnectorError, ErrorOf};
use crate::discovery::Config;
use crate::nal::direct::listen;

pub(super) struct Sockets<T: TcpFullStack + UdpFullStack> {
    /// On the beacon port, which programs of one host may share.
    pub(super) shared: T::UdpSocket,
    /// For beacons that go out and for what answers them; none where the other one is not shared.
    pub(super) own: Option<T::UdpSocket>,
    pub(super) listener: T::TcpSocket,
}

impl<T: TcpFullStack + UdpFullStack> Sockets<T> {
    /// Opens all of them, or none. For a program that is `alone` on its host the TCP port must be
    /// the configured one; where others may have it, any will do, since beacons tell which.
    pub(super) fn open(stack: &mut T, config: &Config, alone: bool) -> Result<Self, ErrorOf<T>> {
        let shared = bind_udp(stack, config.udp_port).map_err(ConnectorError::Udp)?;
        let own = match (!alone).then(|| bind_udp(stack, 0)).transpose() {
            Ok(own) => own,
            Err(error) => {
                close_udp(stack, [Some(shared), None]);
                return Err(ConnectorError::Udp(error));
            }
        };
        match listen(stack, config.tcp_port).or_else(|error| match alone {
            true => Err(error),
            false => listen(stack, 0),
        }) {
            Ok(listener) => Ok(Self { shared, own, listener }),
            Err(error) => {
                close_udp(stack, [Some(shared), own]);
                Err(ConnectorError::Listen(error))
            }
        }
    }

    /// Gives them back. Whether that works out changes nothing any more.
    pub(super) fn close(self, stack: &mut T) {
        close_udp(stack, [Some(self.shared), self.own]);
        let _ = TcpClientStack::close(stack, self.listener);
    }
}

fn close_udp<T: UdpClientStack>(stack: &mut T, sockets: [Option<T::UdpSocket>; 2]) {
    for socket in sockets.into_iter().flatten() {
        let _ = stack.close(socket);
    }
}

fn bind_udp<T: UdpFullStack>(stack: &mut T, port: u16) -> Result<T::UdpSocket, T::Error> {
    let mut socket = stack.socket()?;
    match stack.bind(&mut socket, port) {
        Ok(()) => Ok(socket),
        Err(error) => {
            let _ = stack.close(socket);
            Err(error)
        }
    }
}
