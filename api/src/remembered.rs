//! What was found out once and stays true until somebody says otherwise: a bounded memory of it, in two halves.
//!
//! What is asked for moves into the young half. When that is full it becomes the old half, and what was in the old one and
//! never asked for again is gone: nearly least-recently-used, for the price of one look-up in a map.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

pub(crate) struct Remembered<K, V> {
    halves: RwLock<Halves<K, V>>,
    half_max: usize,
}

struct Halves<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash, V: Clone> Remembered<K, V> {
    /// Holds between half of `max` and `max` entries once that many were asked for.
    pub(crate) fn new(max: usize) -> Self {
        let halves = Halves { young: HashMap::new(), old: HashMap::new() };
        Self { halves: RwLock::new(halves), half_max: (max / 2).max(1) }
    }

    pub(crate) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        // Nothing in here panics half-way, so what a poisoned lock guards is still whole.
        let halves = self.halves.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = halves.young.get(key) {
            return Some(value.clone());
        }
        if !halves.old.contains_key(key) {
            return None;
        }
        drop(halves);
        let mut halves = self.halves.write().unwrap_or_else(PoisonError::into_inner);
        let (key, value) = halves.old.remove_entry(key)?;
        self.put(&mut halves, key, value.clone());
        Some(value)
    }

    pub(crate) fn insert(&self, key: K, value: V) {
        let mut halves = self.halves.write().unwrap_or_else(PoisonError::into_inner);
        self.put(&mut halves, key, value);
    }

    /// Keeps what is known already: whoever knew it first has it from somebody who is never late.
    pub(crate) fn insert_new(&self, key: K, value: V) -> V {
        let mut halves = self.halves.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = halves.young.get(&key).or_else(|| halves.old.get(&key)) {
            return known.clone();
        }
        self.put(&mut halves, key, value.clone());
        value
    }

    pub(crate) fn remove<Q>(&self, key: &Q)
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let mut halves = self.halves.write().unwrap_or_else(PoisonError::into_inner);
        halves.young.remove(key);
        halves.old.remove(key);
    }

    pub(crate) fn clear(&self) {
        let mut halves = self.halves.write().unwrap_or_else(PoisonError::into_inner);
        halves.young.clear();
        halves.old.clear();
    }

    fn put(&self, halves: &mut Halves<K, V>, key: K, value: V) {
        if halves.young.len() >= self.half_max {
            halves.old = std::mem::take(&mut halves.young);
        }
        halves.young.insert(key, value);
    }
}

/// What is remembered may be secret.
impl<K, V> std::fmt::Debug for Remembered<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remembered").field("half_max", &self.half_max).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_makes_room() {
        let remembered = Remembered::new(4);
        for n in 0..100 {
            remembered.insert(n, n);
            assert_eq!(remembered.get(&0), Some(0), "after {n}");
        }
        let kept = (0..100).filter(|n| remembered.get(n).is_some()).count();
        assert!((2..=4).contains(&kept), "{kept}");
    }

    #[test]
    fn what_is_removed_is_gone_from_both_halves() {
        let remembered = Remembered::new(4);
        for (key, value) in [("a", 1), ("b", 1), ("c", 1), ("a", 2)] {
            remembered.insert(key, value);
        }
        remembered.remove("a");
        assert_eq!((remembered.get("a"), remembered.get("c")), (None, Some(1)));
        remembered.clear();
        assert_eq!(remembered.get("c"), None);
    }

    #[test]
    fn what_is_known_already_stays() {
        let remembered = Remembered::new(4);
        for key in ["a", "b", "c"] {
            assert_eq!(remembered.insert_new(key, 1), 1);
        }
        assert_eq!(remembered.insert_new("a", 2), 1, "in the old half");
        assert_eq!(remembered.insert_new("c", 2), 1, "in the young half");
        remembered.insert("a", 3);
        assert_eq!(remembered.get("a"), Some(3));
    }

    #[test]
    fn the_newest_value_is_the_one() {
        let remembered = Remembered::new(4);
        remembered.insert("a", 1);
        remembered.insert("b", 1);
        remembered.insert("c", 1);
        remembered.insert("a", 2);
        assert_eq!(remembered.get("a"), Some(2));
    }
}
