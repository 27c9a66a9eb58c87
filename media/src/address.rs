//! Which addresses may be connected to: those that the whole internet reaches, and nothing behind them.
//!
//! After the registries of special addresses of IANA (<https://www.iana.org/assignments/iana-ipv4-special-registry>,
//! <https://www.iana.org/assignments/iana-ipv6-special-registry>). Of IPv6 only what is given out as global unicast counts as
//! public, so that every form that carries an IPv4 address (mapped, compatible, translated, 6to4, Teredo) is refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// IPv4 that only an allowed origin may have: this machine, private networks, and the carrier's.
const INSIDE_V4: [Ipv4Net; 5] =
    [v4(10, 0, 0, 0, 8), v4(100, 64, 0, 0, 10), v4(127, 0, 0, 0, 8), v4(172, 16, 0, 0, 12), v4(192, 168, 0, 0, 16)];

/// IPv4 that nobody may have: no host, or one that hands out secrets of this machine.
const NEVER_V4: [Ipv4Net; 12] = [
    v4(0, 0, 0, 0, 8),
    // The metadata of Alibaba's machines; inside the carrier's range.
    v4(100, 100, 100, 200, 32),
    // The platform of Azure's machines; a public address.
    v4(168, 63, 129, 16, 32),
    // Link-local: metadata of most clouds.
    v4(169, 254, 0, 0, 16),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

/// IPv6 that only an allowed origin may have: this machine, and private networks.
const INSIDE_V6: [Ipv6Net; 2] = [v6([0, 0, 0, 0, 0, 0, 0, 1], 128), v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7)];

/// Private IPv6 that nobody may have: the metadata of Amazon's and of Google's machines.
const NEVER_INSIDE_V6: [Ipv6Net; 2] =
    [v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0], 32), v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0], 32)];

/// What is given out as global unicast (RFC 4291).
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// The parts of it that are for something else: protocols (Teredo among them), documentation, 6to4, documentation again.
const NEVER_GLOBAL_V6: [Ipv6Net; 4] = [
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(s: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]), prefix)
}

/// Who reaches an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Everybody: a link may lead there.
    Public,
    /// This machine and its neighbours: only what is allowed by name may be there.
    Inside,
    /// Nobody should: refused whatever is allowed.
    Never,
}

/// Who reaches which address, as far as everybody knows and as this installation adds.
#[derive(Debug, Clone, Default)]
pub struct Networks {
    closed: Vec<IpNet>,
}

impl Networks {
    /// The same, with networks that only allowed origins may have: public addresses that are used inside, or the prefix under
    /// which a translator of one's own (NAT64) reaches IPv4.
    pub fn closing(closed: Vec<IpNet>) -> Self {
        Self { closed }
    }

    pub(crate) fn reach(&self, address: IpAddr) -> Reach {
        let known = match address {
            IpAddr::V4(address) => reach_v4(address),
            IpAddr::V6(address) => reach_v6(address),
        };
        match known {
            Reach::Public if self.closed.iter().any(|network| network.contains(&address)) => Reach::Inside,
            known => known,
        }
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    if NEVER_V4.iter().any(|network| network.contains(&address)) {
        return Reach::Never;
    }
    if INSIDE_V4.iter().any(|network| network.contains(&address)) { Reach::Inside } else { Reach::Public }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    let within = |networks: &[Ipv6Net]| networks.iter().any(|network| network.contains(&address));
    if within(&INSIDE_V6) {
        return if within(&NEVER_INSIDE_V6) { Reach::Never } else { Reach::Inside };
    }
    let public = GLOBAL_V6.contains(&address) && !within(&NEVER_GLOBAL_V6) && !is_isatap(address);
    if public { Reach::Public } else { Reach::Never }
}

/// Whether the host part is an IPv4 address to tunnel to (RFC 5214, section 6.1).
fn is_isatap(address: Ipv6Addr) -> bool {
    let [_, _, _, _, first, second, _, _] = address.segments();
    second == 0x5efe && matches!(first, 0 | 0x200)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(address: &str) -> Reach {
        Networks::default().reach(address.parse().unwrap())
    }

    #[test]
    fn the_edges_of_the_registries_are_where_they_should_be() {
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2003::1",
            "2606:4700:4700::1111",
            "3ffe:ffff::1",
        ] {
            assert_eq!(reach(public), Reach::Public, "{public}");
        }
        for inside in
            ["10.255.255.255", "100.64.0.0", "127.255.255.255", "172.31.255.255", "192.168.0.0", "::1", "fdff::1"]
        {
            assert_eq!(reach(inside), Reach::Inside, "{inside}");
        }
    }

    #[test]
    fn what_this_installation_closes_is_inside() {
        let networks = Networks::closing(vec!["8.8.8.0/24".parse().unwrap(), "2a00:1450::/32".parse().unwrap()]);
        assert_eq!(networks.reach("8.8.8.8".parse().unwrap()), Reach::Inside);
        assert_eq!(networks.reach("2a00:1450::1".parse().unwrap()), Reach::Inside);
        assert_eq!(networks.reach("8.8.4.4".parse().unwrap()), Reach::Public);
        assert_eq!(networks.reach("169.254.169.254".parse().unwrap()), Reach::Never);
    }
}
