//! A mark on the feed: a position and a checksum of the update that stands there.

use super::TransactionId;

/// Two histories may number differently what they have in common, after a restore or a failover to a standby
/// that was behind. The checksum tells them apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// 0 stands before the first update.
    pub position: u64,
    pub checksum: u32,
}

impl Mark {
    /// FNV-1a over the id and the version: it guards against mistakes, not against forgers.
    #[must_use]
    pub fn of(position: u64, transaction: &TransactionId, version: u64) -> Self {
        let bytes = transaction.as_str().bytes().chain(version.to_be_bytes());
        let checksum =
            bytes.fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        Self { position, checksum }
    }
}
