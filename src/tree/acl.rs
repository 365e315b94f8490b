//! Who a connection has proved to be, and what an access control list lets it do (semantics.md §2.2).

use std::net::IpAddr;
use std::sync::Arc;

use super::sha1::{base64, sha1};
use crate::history::op::{Acl, AclEntry, ErrorCode};

/// Bits of an entry's permissions (`ZooDefs.Perms`).
pub mod perms {
    /// Read data and children.
    pub const READ: i32 = 1;
    /// Set data.
    pub const WRITE: i32 = 2;
    /// Create children.
    pub const CREATE: i32 = 4;
    /// Delete children.
    pub const DELETE: i32 = 8;
    /// Set the list itself.
    pub const ADMIN: i32 = 16;
    /// All of them.
    pub const ALL: i32 = 31;
}

/// The identities of one connection, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Identities {
    /// (scheme, id).
    pub ids: Vec<(Arc<str>, Arc<str>)>,
}

impl Identities {
    /// What a fresh connection from this address has.
    pub fn from_address(address: &str) -> Self {
        Self {
            ids: vec![(Arc::from("ip"), Arc::from(address))],
        }
    }

    /// Takes an auth packet; a repeated identity is dropped, a wrong password is just another identity.
    ///
    /// # Errors
    /// `AuthFailed` for a scheme that nobody provides; the server then closes the connection.
    pub fn authenticate(&mut self, scheme: &str, auth: &[u8]) -> Result<(), ErrorCode> {
        match scheme {
            "digest" => {
                self.add("digest", &digest_id(auth)?);
                Ok(())
            }
            // The connection's own address, which it has from the start.
            "ip" => Ok(()),
            _ => Err(ErrorCode::AuthFailed),
        }
    }

    /// As [`authenticate`](Self::authenticate), but this digest id makes its owner "super", who may do everything
    /// (`zookeeper.DigestAuthenticationProvider.superDigest`).
    ///
    /// # Errors
    /// As [`authenticate`](Self::authenticate).
    pub fn authenticate_or_super(
        &mut self,
        scheme: &str,
        auth: &[u8],
        super_digest: &str,
    ) -> Result<(), ErrorCode> {
        self.authenticate(scheme, auth)?;
        if scheme == "digest" && digest_id(auth)? == super_digest {
            self.add("super", "");
        }
        Ok(())
    }

    /// What whoAmI answers: digest identities by their user only.
    pub fn shown(&self) -> Vec<(Arc<str>, Arc<str>)> {
        self.ids
            .iter()
            .map(|(scheme, id)| match id.split_once(':') {
                Some((user, _)) if &**scheme == "digest" => (scheme.clone(), Arc::from(user)),
                Some(_) | None => (scheme.clone(), id.clone()),
            })
            .collect()
    }

    fn add(&mut self, scheme: &str, id: &str) {
        if !self.ids.iter().any(|(s, i)| &**s == scheme && &**i == id) {
            self.ids.push((Arc::from(scheme), Arc::from(id)));
        }
    }

    /// The identities that `auth` stands for: the address does not count as authenticated.
    fn authenticated(&self) -> impl Iterator<Item = &(Arc<str>, Arc<str>)> {
        self.ids.iter().filter(|(scheme, _)| &**scheme == "digest")
    }
}

/// `user:base64(sha1(user:password))` of a digest scheme's credentials `user:password`.
fn digest_id(auth: &[u8]) -> Result<String, ErrorCode> {
    let text = std::str::from_utf8(auth).map_err(|_| ErrorCode::AuthFailed)?;
    let user = text.split(':').next().unwrap_or_default();
    Ok(format!("{user}:{}", base64(&sha1(auth))))
}

/// The list that lets everybody do everything (`Ids.OPEN_ACL_UNSAFE`).
pub fn open() -> Acl {
    world(perms::ALL)
}

/// A list that lets everybody do this.
pub fn world(perms: i32) -> Acl {
    Arc::from([AclEntry {
        perms,
        scheme: Arc::from("world"),
        id: Arc::from("anyone"),
    }])
}

/// Whether the list lets these identities do any of `wanted` (`ZooKeeperServer.checkACL`).
pub fn permits(acl: &[AclEntry], identities: &Identities, wanted: i32) -> bool {
    let may = |entry: &AclEntry| entry.perms & wanted != 0 && matches(entry, identities);
    acl.is_empty()
        || acl.iter().any(may)
        || identities
            .ids
            .iter()
            .any(|(scheme, _)| &**scheme == "super")
}

/// As [`permits`], as a result.
///
/// # Errors
/// `NoAuth` if not.
pub fn demand(acl: &[AclEntry], identities: &Identities, wanted: i32) -> Result<(), ErrorCode> {
    if permits(acl, identities, wanted) {
        Ok(())
    } else {
        Err(ErrorCode::NoAuth)
    }
}

fn matches(entry: &AclEntry, identities: &Identities) -> bool {
    if &*entry.scheme == "world" {
        return &*entry.id == "anyone";
    }
    identities.ids.iter().any(|(scheme, id)| {
        *scheme == entry.scheme
            && match &**scheme {
                "digest" => *id == entry.id,
                "ip" => ip_matches(id, &entry.id),
                _ => false,
            }
    })
}

/// Checks a list that a client sent and resolves it: repeated entries are dropped, then `auth` becomes every
/// authenticated identity of the connection (`PrepRequestProcessor.fixupACL`).
///
/// # Errors
/// `InvalidAcl` if it is null or empty, or an entry is malformed or of an unknown scheme.
pub fn resolve(acl: Option<&Acl>, identities: &Identities) -> Result<Acl, ErrorCode> {
    let sent = acl
        .filter(|acl| !acl.is_empty())
        .ok_or(ErrorCode::InvalidAcl)?;
    let mut resolved: Vec<AclEntry> = Vec::with_capacity(sent.len());
    for (i, entry) in sent.iter().enumerate() {
        if sent[..i].contains(entry) {
            continue;
        }
        if &*entry.scheme != "auth" {
            if !is_well_formed(entry) {
                return Err(ErrorCode::InvalidAcl);
            }
            resolved.push(entry.clone());
            continue;
        }
        let before = resolved.len();
        resolved.extend(identities.authenticated().map(|(scheme, id)| AclEntry {
            perms: entry.perms,
            scheme: scheme.clone(),
            id: id.clone(),
        }));
        if resolved.len() == before {
            return Err(ErrorCode::InvalidAcl);
        }
    }
    if resolved[..] == sent[..] {
        Ok(sent.clone())
    } else {
        Ok(resolved.into())
    }
}

fn is_well_formed(entry: &AclEntry) -> bool {
    match &*entry.scheme {
        "world" => &*entry.id == "anyone",
        "digest" => {
            matches!(entry.id.split_once(':'), Some((_, hash)) if !hash.is_empty() && !hash.contains(':'))
        }
        "ip" => network(&entry.id).is_some(),
        _ => false,
    }
}

/// What getACL shows to those without ADMIN: digest identities without their hash.
pub fn masked(acl: &Acl) -> Acl {
    acl.iter()
        .map(|entry| match entry.id.split_once(':') {
            Some((user, _)) if &*entry.scheme == "digest" => AclEntry {
                id: Arc::from(format!("{user}:x")),
                ..entry.clone()
            },
            Some(_) | None => entry.clone(),
        })
        .collect()
}

/// An address of 32 or 128 bits and how many of its leading bits count.
fn network(text: &str) -> Option<(u128, u32, u32)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
        None => (text, None),
    };
    let (value, width) = address_bits(address)?;
    let bits = bits.unwrap_or(width);
    (bits <= width).then_some((value, width, bits))
}

/// Dotted quads may have leading zeros, unlike `std`'s.
fn address_bits(text: &str) -> Option<(u128, u32)> {
    if let Ok(IpAddr::V6(address)) = text.parse() {
        return Some((address.to_bits(), 128));
    }
    let parts: Vec<u8> = text
        .split('.')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let parts: [u8; 4] = parts.try_into().ok()?;
    Some((u128::from(u32::from_be_bytes(parts)), 32))
}

fn ip_matches(address: &str, expression: &str) -> bool {
    let (Some((address, address_width)), Some((net, width, bits))) =
        (address_bits(address), network(expression))
    else {
        return false;
    };
    address_width == width && (bits == 0 || (address ^ net) >> (width - bits) == 0)
}
