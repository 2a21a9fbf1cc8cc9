//! Rows gathered into one message, bounded in number and bytes.

use prost::Message;

const MAX_ROWS: usize = 256;
/// Of a streamed message: some of them wait for each slow reader.
const MAX_BYTES: usize = 1 << 18;
/// Of a listed page: well under the 4 MiB that clients take by default, whatever the last row adds.
const MAX_PAGE_BYTES: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct MessageBatch<T> {
    rows: Vec<T>,
    bytes: usize,
}

impl<T: Message> MessageBatch<T> {
    pub(super) fn new() -> Self {
        Self { rows: Vec::new(), bytes: 0 }
    }

    pub(super) fn push(&mut self, row: T) {
        self.bytes = self.bytes.saturating_add(row.encoded_len());
        self.rows.push(row);
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= MAX_ROWS || self.bytes >= MAX_BYTES
    }

    /// What was gathered, if anything; the batch is empty again.
    pub(super) fn take(&mut self) -> Option<Vec<T>> {
        self.bytes = 0;
        Some(std::mem::take(&mut self.rows)).filter(|rows| !rows.is_empty())
    }
}

/// As many of the leading rows as fit one message, at least one.
pub(super) fn fitting<T: Message>(mut rows: Vec<T>) -> Vec<T> {
    let mut bytes = 0_usize;
    let fit = rows.iter().take_while(|row| {
        let before = bytes;
        bytes = bytes.saturating_add(row.encoded_len());
        before < MAX_PAGE_BYTES
    });
    let fit = fit.count();
    rows.truncate(fit);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_full_by_rows_or_by_bytes() {
        let mut batch = MessageBatch::new();
        assert_eq!(batch.take(), None);
        batch.push("x".repeat(MAX_BYTES));
        assert!(batch.is_full());
        assert_eq!(batch.take().map(|rows| rows.len()), Some(1));
        for _ in 0..MAX_ROWS {
            assert!(!batch.is_full());
            batch.push("x".to_owned());
        }
        assert!(batch.is_full());
    }

    #[test]
    fn what_fits_is_at_least_one_row() {
        let row = "x".repeat(MAX_PAGE_BYTES);
        assert_eq!(fitting(vec![row.clone(), row]).len(), 1);
        assert_eq!(fitting(vec!["x".to_owned(); 1000]).len(), 1000);
        assert_eq!(fitting(Vec::<String>::new()).len(), 0);
    }
}
