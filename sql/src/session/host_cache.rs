//! Addresses whose connections broke off before anybody logged in: from `max_connect_errors` in a row on, the address is
//! blocked (error 1129) until somebody says FLUSH HOSTS or `TRUNCATE TABLE performance_schema.host_cache`.
//!
//! As in MySQL wrong passwords are no such errors, a login forgets those there were, this machine's own addresses are
//! never blocked, and not more than `host_cache_size` addresses are known: the one that was quiet for longest gives way.
//! Names of addresses are not looked up.

use std::collections::HashMap;
use std::net::IpAddr;

use parking_lot::Mutex;

/// An address that has failed since it last logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedHost {
    pub address: IpAddr,
    /// Handshakes in a row that came to nothing.
    pub connect_errors: u64,
    /// Connections that were refused for it.
    pub refused: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Errors {
    connect: u64,
    refused: u64,
    /// Which failure of all was its last.
    last: u64,
}

/// The addresses of one server.
#[derive(Debug, Default)]
pub struct HostCache {
    hosts: Mutex<Hosts>,
}

#[derive(Debug, Default)]
struct Hosts {
    errors: HashMap<IpAddr, Errors>,
    failures: u64,
}

impl HostCache {
    /// A connection from there ended without a login, by its client's doing.
    pub fn failed(&self, address: IpAddr, addresses_max: u64) {
        let address = address.to_canonical();
        if address.is_loopback() || addresses_max == 0 {
            return;
        }
        let mut hosts = self.hosts.lock();
        hosts.failures += 1;
        let last = hosts.failures;
        while hosts.errors.len() as u64 >= addresses_max && !hosts.errors.contains_key(&address) {
            let oldest =
                hosts.errors.iter().min_by_key(|(_, errors)| errors.last).map(|(address, _)| *address);
            let Some(oldest) = oldest else { break };
            hosts.errors.remove(&oldest);
        }
        let errors = hosts.errors.entry(address).or_default();
        errors.connect += 1;
        errors.last = last;
    }

    /// Somebody logged in from there.
    pub fn logged_in(&self, address: IpAddr) {
        self.hosts.lock().errors.remove(&address.to_canonical());
    }

    /// Whether a connection from there is refused.
    pub fn refuses(&self, address: IpAddr, errors_max: u64) -> bool {
        match self.hosts.lock().errors.get_mut(&address.to_canonical()) {
            Some(errors) if errors.connect >= errors_max => {
                errors.refused += 1;
                true
            }
            _ => false,
        }
    }

    /// FLUSH HOSTS
    pub fn clear(&self) {
        self.hosts.lock().errors.clear();
    }

    /// What is known, by address.
    pub fn list(&self) -> Vec<FailedHost> {
        let hosts = self.hosts.lock();
        let host = |(address, errors): (&IpAddr, &Errors)| FailedHost {
            address: *address,
            connect_errors: errors.connect,
            refused: errors.refused,
        };
        let mut list: Vec<FailedHost> = hosts.errors.iter().map(host).collect();
        list.sort_by_key(|host| host.address);
        list
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    #[test]
    fn an_address_is_blocked_by_failures_in_a_row_until_it_is_forgiven() {
        let cache = HostCache::default();
        for _ in 0..2 {
            cache.failed(address(1), 10);
        }
        assert!(!cache.refuses(address(1), 3));
        cache.logged_in(address(1));
        for _ in 0..3 {
            cache.failed(address(1), 10);
        }
        assert!(cache.refuses(address(1), 3));
        assert!(cache.refuses(address(1), 3));
        assert!(!cache.refuses(address(1), 4), "the limit is that of now");
        assert!(!cache.refuses(address(2), 3), "others come in");
        assert_eq!(cache.list(), [FailedHost { address: address(1), connect_errors: 3, refused: 2 }]);
        cache.clear();
        assert!(!cache.refuses(address(1), 3));
    }

    #[test]
    fn this_machine_is_never_blocked() {
        let cache = HostCache::default();
        let mapped: IpAddr = Ipv4Addr::new(127, 0, 0, 9).to_ipv6_mapped().into();
        for own in [Ipv4Addr::new(127, 3, 2, 1).into(), Ipv6Addr::LOCALHOST.into(), mapped] {
            cache.failed(own, 10);
            assert!(!cache.refuses(own, 1), "{own}");
        }
        let mapped: IpAddr = Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped().into();
        cache.failed(mapped, 10);
        assert!(cache.refuses(address(1), 1), "one address in two forms");
    }

    #[test]
    fn so_many_addresses_are_known_and_no_more() {
        let cache = HostCache::default();
        for last in 0..=u8::MAX {
            cache.failed(address(last), 8);
            cache.failed(address(0), 8);
        }
        let known: Vec<IpAddr> = cache.list().into_iter().map(|host| host.address).collect();
        assert_eq!(known.len(), 8);
        assert!(known.contains(&address(0)) && known.contains(&address(255)), "{known:?}");
        assert!(cache.refuses(address(0), 256));
        let none = HostCache::default();
        none.failed(address(1), 0);
        assert!(none.list().is_empty(), "nothing is known where nothing may be");
    }
}
