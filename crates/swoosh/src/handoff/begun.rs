//! Long messages whose beginning a worker had taken when it was replaced: its successor finds the rest in the mailbox,
//! and the beginning here.

use super::Assembler;
use crate::error::Result;
use crate::sys::scratch::Scratch;

/// What one worker leaves to its successor.
#[derive(Debug)]
pub struct Begun(Scratch);

impl Begun {
    /// Nothing yet.
    pub fn new() -> Result<Self> {
        Scratch::new("messages that are handed over").map(Begun)
    }

    /// Leaves what a mailbox's assembler holds.
    pub fn leave(&self, assembler: &mut Assembler) -> Result<()> {
        let mut all = Vec::new();
        for (from, data) in assembler.open.drain() {
            all.extend_from_slice(&from.to_le_bytes());
            all.extend_from_slice(&(data.len() as u64).to_le_bytes());
            all.extend_from_slice(&data);
        }
        self.0.fill(&all)
    }

    /// Goes on where the predecessor was. What one that was killed meanwhile had not written whole is dropped.
    pub fn take_up(&self, assembler: &mut Assembler) -> Result<()> {
        let all = self.0.take()?;
        let mut rest = &all[..];
        while let Some((from, data, behind)) = next(rest) {
            assembler.open.insert(from, data.to_vec());
            rest = behind;
        }
        Ok(())
    }
}

fn next(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (from, bytes) = bytes.split_first_chunk::<2>()?;
    let (len, bytes) = bytes.split_first_chunk::<8>()?;
    let (data, behind) = bytes.split_at_checked(u64::from_le_bytes(*len) as usize)?;
    Some((u16::from_le_bytes(*from), data, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_goes_on_where_its_predecessor_was() {
        let begun = Begun::new().unwrap();
        let mut assembler = Assembler::default();
        assembler.open.insert(1, vec![1; 300_000]);
        assembler.open.insert(7, Vec::new());
        begun.leave(&mut assembler).unwrap();
        let mut successor = Assembler::default();
        begun.take_up(&mut successor).unwrap();
        assert_eq!((successor.open[&1].len(), successor.open[&7].len()), (300_000, 0));
        let mut third = Assembler::default();
        begun.take_up(&mut third).unwrap();
        assert!(third.open.is_empty());
    }
}
