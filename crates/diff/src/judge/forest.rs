//! Sums of decision trees: gradient boosting (Friedman 2001, Annals of Statistics 29(5)), applied.

use serde::{Deserialize, Serialize};

/// A node: a question, or an answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Node {
    /// `[feature, threshold, left, right]`: on to the node `left` where the feature is at most the threshold, else to
    /// `right`. Both lie further on in the tree.
    Split(u16, f32, u16, u16),
    /// `[value]`: what the tree adds.
    Leaf([f32; 1]),
}

/// Trees whose answers are added up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forest {
    /// Each begins with its root.
    pub trees: Vec<Vec<Node>>,
}

impl Forest {
    /// The first thing wrong with it: an empty tree, a feature beyond `features`, a step that does not lead on.
    /// `None` of a forest that can be asked.
    pub fn fault(&self, features: usize) -> Option<String> {
        self.trees.iter().enumerate().find_map(|(t, tree)| {
            let wrong = |n: usize| match tree[n] {
                Node::Leaf([v]) => !v.is_finite(),
                Node::Split(f, at, l, r) => {
                    let on = |i: u16| usize::from(i) > n && usize::from(i) < tree.len();
                    usize::from(f) >= features || at.is_nan() || !on(l) || !on(r)
                }
            };
            if tree.is_empty() {
                return Some(format!("tree {t} is empty"));
            }
            (0..tree.len()).find(|&n| wrong(n)).map(|n| format!("node {n} of tree {t} leads nowhere"))
        })
    }

    /// The sum of the answers for `features`; 0 of no tree. NaN goes to the right.
    pub fn sum(&self, features: &[f32]) -> f64 {
        self.trees.iter().map(|tree| f64::from(answer(tree, features))).sum()
    }
}

fn answer(tree: &[Node], features: &[f32]) -> f32 {
    let mut at = 0;
    // A tree that was checked leads on at every step; one that was not ends here all the same.
    for _ in 0..tree.len() {
        match tree.get(at) {
            Some(Node::Leaf([value])) => return *value,
            Some(&Node::Split(feature, threshold, left, right)) => {
                let value = features.get(usize::from(feature)).copied().unwrap_or(0.0);
                at = usize::from(if value <= threshold { left } else { right });
            }
            None => break,
        }
    }
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forest(text: &str) -> Forest {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn answers_are_added_up() {
        let f = forest(r#"{"trees": [[[0, 1.5, 1, 2], [-1.0], [2.0]], [[0.25]]]}"#);
        assert_eq!(f.fault(1), None);
        assert_eq!((f.sum(&[1.5]), f.sum(&[1.6])), (-0.75, 2.25));
    }

    #[test]
    fn a_tree_that_leads_nowhere_is_found() {
        for (text, features) in [
            (r#"{"trees": [[]]}"#, 1),
            (r#"{"trees": [[[0, 1.5, 0, 1], [2.0]]]}"#, 1),
            (r#"{"trees": [[[0, 1.5, 1, 2], [2.0]]]}"#, 1),
            (r#"{"trees": [[[1, 1.5, 1, 2], [1.0], [2.0]]]}"#, 1),
        ] {
            assert!(forest(text).fault(features).is_some(), "{text}");
        }
        // And asking it ends.
        assert_eq!(forest(r#"{"trees": [[[0, 1.5, 0, 0]]]}"#).sum(&[0.0]), 0.0);
    }
}
