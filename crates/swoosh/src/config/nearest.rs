//! The suggestion for a misspelt name.

/// The name most similar to `name`, if at most three edits, and fewer than half its letters, make one of the other.
///
/// ```
/// let events = ["request", "receive", "close"];
/// assert_eq!(swoosh::config::nearest("requets", events.into_iter()), Some("request"));
/// assert_eq!(swoosh::config::nearest("tick", events.into_iter()), None);
/// ```
pub fn nearest(name: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    if name.len() > LONGEST_MISSPELLING {
        return None;
    }
    let (edits, best) = names.map(|right| (edit_distance(&name, right), right)).min_by_key(|&(edits, _)| edits)?;
    (edits <= 3 && edits * 2 < best.len()).then_some(best)
}

/// The optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
pub(super) fn edit_distance(from: &str, to: &str) -> usize {
    let (from, to) = (from.as_bytes(), to.as_bytes());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for i in 0..from.len() {
        let mut row = vec![i + 1; to.len() + 1];
        for j in 0..to.len() {
            let substituted = above[j] + usize::from(from[i] != to[j]);
            row[j + 1] = substituted.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && from[i] == to[j - 1] && from[i - 1] == to[j] {
                row[j + 1] = row[j + 1].min(before[j - 1] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[to.len()]
}

/// A longer word is not taken for a misspelt name, bytes.
const LONGEST_MISSPELLING: usize = 64;
