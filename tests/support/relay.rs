//! A relay between provider and mock whose connections can go silent: open, and never responding again, as behind a
//! firewall that has forgotten them.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

pub(crate) struct Relay {
    address: String,
    connections: Arc<Connections>,
}

#[derive(Default)]
struct Connections {
    accepted: AtomicUsize,
    /// Those before this number are silent.
    first_living: AtomicUsize,
}

impl Relay {
    /// Relays to this address. Ends with the process of the tests.
    pub(crate) fn to(address: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Self {
            address: listener.local_addr().unwrap().to_string(),
            connections: Arc::default(),
        };
        let (upstream, connections) = (address.to_owned(), Arc::clone(&relay.connections));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let number = connections.accepted.fetch_add(1, Ordering::SeqCst);
                if let Ok(server) = TcpStream::connect(&upstream) {
                    connect(client, server, number, &connections);
                }
            }
        });
        relay
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All connections that there are go silent; new ones work. Returns how many.
    pub(crate) fn silence(&self) -> usize {
        let accepted = self.connections.accepted.load(Ordering::SeqCst);
        self.connections
            .first_living
            .store(accepted, Ordering::SeqCst);
        accepted
    }
}

fn connect(client: TcpStream, server: TcpStream, number: usize, connections: &Arc<Connections>) {
    let ways = [
        (client.try_clone(), server.try_clone()),
        (Ok(server), Ok(client)),
    ];
    for (from, to) in ways {
        let (Ok(from), Ok(to)) = (from, to) else {
            return;
        };
        let connections = Arc::clone(connections);
        thread::spawn(move || {
            let _ = forward(&from, &to, number, &connections);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}

fn forward(
    mut from: &TcpStream,
    mut to: &TcpStream,
    number: usize,
    connections: &Connections,
) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        if number >= connections.first_living.load(Ordering::SeqCst) {
            to.write_all(&buffer[..length])?;
        }
    }
}
