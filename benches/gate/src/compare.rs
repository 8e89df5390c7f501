//! Figures against those of before.

use std::collections::BTreeMap;

use evaluate::estimate;

use crate::figures::{FORMAT, Figures};
use crate::{Error, Result};

/// Growth of instructions that is let pass, unless noise is a third of it.
const INSTRUCTIONS: f64 = 0.03;
/// Growth of memory that is let pass, as a share and in KiB: on a busy machine, pages of a library that other programs hold
/// too count now and then, and now and then not.
const MEMORY: (f64, f64) = (0.05, 4096.0);
/// Least loss of a share, a metre, or a false alarm per km², that counts where every scene lost.
const LEAST_LOSS: f64 = 0.01;

/// One figure, before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What was measured.
    pub name: String,
    /// Before, as a person reads it.
    pub before: String,
    /// After.
    pub after: String,
    /// The change, and how much is let pass.
    pub change: String,
    /// What that means.
    pub verdict: Verdict,
}

/// What becomes of a figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not worse.
    Fine,
    /// Worse, and why.
    Worse(String),
    /// It cannot be told, and why.
    NotCompared(String),
}

impl Check {
    /// Why it is worse; `None` where it is not.
    pub fn worse(&self) -> Option<&str> {
        match &self.verdict {
            Verdict::Worse(why) => Some(why),
            _ => None,
        }
    }

    /// Why it cannot be told whether it is worse; `None` where it can.
    pub fn not_compared(&self) -> Option<&str> {
        match &self.verdict {
            Verdict::NotCompared(why) => Some(why),
            _ => None,
        }
    }
}

impl Verdict {
    /// [`Verdict::Worse`] for a reason, [`Verdict::Fine`] without.
    fn of(worse: Option<String>) -> Self {
        worse.map_or(Self::Fine, Self::Worse)
    }
}

/// Nothing where `before` can be compared with what is measured now on the scenes of `suite`.
///
/// # Errors
/// [`Error::Stale`].
pub fn fresh(before: &Figures, suite: &str) -> Result<()> {
    if before.format != FORMAT {
        return Err(Error::Stale { why: format!("format {} where {FORMAT} is written now", before.format) });
    }
    if before.suite != suite {
        return Err(Error::Stale { why: "it was measured on other scenes".into() });
    }
    Ok(())
}

/// Compares `after` with `before`. `accept` lets another output pass.
///
/// Detection figures are compared wherever they were measured: their limits are far wider than what a last digit does.
/// Instructions, memory and the bits of the output are compared where nothing differs that they depend on beside the
/// code ([`crate::Environment`]); elsewhere they come back as [`Verdict::NotCompared`].
///
/// # Errors
/// [`Error::Stale`] where not the same things were measured.
pub fn compare(before: &Figures, after: &Figures, accept: bool) -> Result<Vec<Check>> {
    fresh(before, &after.suite)?;
    let elsewhere = before.environment.differs(&after.environment);
    fn same<V>(a: &BTreeMap<String, V>, b: &BTreeMap<String, V>, what: &str) -> Result<()> {
        let only = |x: &BTreeMap<String, V>, y: &BTreeMap<String, V>| {
            x.keys().find(|k| !y.contains_key(*k)).cloned()
        };
        match (only(a, b), only(b, a)) {
            (None, None) => Ok(()),
            (Some(gone), _) => {
                Err(Error::Stale { why: format!("it has {what} of {gone:?}, which is no longer measured") })
            }
            (None, Some(new)) => Err(Error::Stale { why: format!("it lacks {what} of {new:?}") }),
        }
    }
    same(&before.detection, &after.detection, "the figure")?;
    let mut out = vec![output(before, after, accept, elsewhere.as_deref())];
    match elsewhere {
        Some(what) => out.push(Check {
            name: "instructions and peak memory".into(),
            before: "–".into(),
            after: "–".into(),
            change: "–".into(),
            verdict: Verdict::NotCompared(what),
        }),
        None => {
            same(&before.instructions, &after.instructions, "instructions")?;
            same(&before.memory_kib, &after.memory_kib, "memory")?;
            grown(before, after, &mut out);
        }
    }
    for (figure, then) in &before.detection {
        let Some(now) = after.detection.get(figure) else { continue };
        out.extend(detection(figure, then, now));
    }
    Ok(out)
}

/// Instructions and memory.
fn grown(before: &Figures, after: &Figures, out: &mut Vec<Check>) {
    let pairs = |a: &BTreeMap<String, Vec<u64>>,
                 b: &BTreeMap<String, Vec<u64>>|
     -> Vec<(String, Vec<u64>, Vec<u64>)> {
        a.iter().filter_map(|(k, v)| Some((k.clone(), v.clone(), b.get(k)?.clone()))).collect()
    };
    for (name, then, now) in pairs(&before.instructions, &after.instructions) {
        let limit = INSTRUCTIONS.max(3.0 * spread(&then).max(spread(&now)));
        out.push(growth(format!("instructions, {name}"), &then, &now, limit, 1e6, "M"));
    }
    for (name, then, now) in pairs(&before.memory_kib, &after.memory_kib) {
        let limit = MEMORY.0.max(MEMORY.1 / least(&then).max(1.0));
        out.push(growth(format!("peak memory, {name}"), &then, &now, limit, 1024.0, "MiB"));
    }
}

/// The figures of a program alone: what can be wrong without a baseline.
pub fn alone(figures: &Figures) -> Vec<Check> {
    vec![output(figures, figures, false, None)]
}

fn output(before: &Figures, after: &Figures, accept: bool, elsewhere: Option<&str>) -> Check {
    let short =
        |hashes: &[String]| hashes.iter().map(|h| h.get(..12).unwrap_or(h)).collect::<Vec<_>>().join(", ");
    let (changed, unsteady) = (before.output_sha256 != after.output_sha256, after.output_sha256.len() > 1);
    let verdict = match (unsteady, changed && !accept, elsewhere) {
        (true, ..) => Verdict::Worse(
            "runs of the same program differ: its output depends on threads or chance".to_owned(),
        ),
        // Another library, another last digit.
        (_, true, Some(what)) => Verdict::NotCompared(what.to_owned()),
        (_, true, None) => Verdict::Worse(
            "what is found changed; where that is meant, say --accept, and renew the baseline".to_owned(),
        ),
        (_, false, _) => Verdict::Fine,
    };
    Check {
        name: "output".into(),
        before: short(&before.output_sha256),
        after: short(&after.output_sha256),
        change: if changed { "another".into() } else { "the same".into() },
        verdict,
    }
}

/// The least sample: what disturbs a run adds to it.
fn least(samples: &[u64]) -> f64 {
    samples.iter().min().copied().unwrap_or(0) as f64
}

/// How far samples lie apart, as a share of the least.
fn spread(samples: &[u64]) -> f64 {
    let most = samples.iter().max().copied().unwrap_or(0) as f64;
    if least(samples) > 0.0 { most / least(samples) - 1.0 } else { 0.0 }
}

fn growth(name: String, before: &[u64], after: &[u64], limit: f64, unit: f64, unit_name: &str) -> Check {
    let (then, now) = (least(before), least(after));
    let grown = if then > 0.0 { now / then - 1.0 } else { f64::from(u8::from(now > 0.0)) };
    let percent = |v: f64| format!("{:+.2} %", 100.0 * v);
    Check {
        name,
        before: format!("{:.1} {unit_name}", then / unit),
        after: format!("{:.1} {unit_name}", now / unit),
        change: format!("{} (limit {})", percent(grown), percent(limit)),
        verdict: Verdict::of(
            (grown > limit)
                .then(|| format!("grew by {}, and {} is let pass", percent(grown), percent(limit))),
        ),
    }
}

/// A detection figure: worse where its mean leaves the interval of before, or where the scenes, taken one by one, lost
/// beyond chance.
fn detection(figure: &str, before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>) -> Option<Check> {
    // Alarms and errors are better low, all others high.
    let sign = if figure.contains("alarms") || figure.contains("rmse") { -1.0 } else { 1.0 };
    let values = |of: &BTreeMap<String, f64>| of.values().map(|v| sign * v).collect::<Vec<f64>>();
    let (then, now) = (estimate(&values(before))?, estimate(&values(after))?);
    let differences: Vec<f64> =
        before.iter().filter_map(|(scene, b)| Some(sign * (after.get(scene)? - b))).collect();
    let each = estimate(&differences);
    let below = then.low.is_some_and(|low| now.mean < low - 1e-9);
    let lost = each.is_some_and(|e| e.mean < -LEAST_LOSS && e.high.is_some_and(|high| high < 0.0));
    let ends = |e: &evaluate::Estimate| {
        let (a, b) = (e.low.unwrap_or(e.mean) * sign, e.high.unwrap_or(e.mean) * sign);
        format!("{:.3} ({:.3} to {:.3})", sign * e.mean, a.min(b), a.max(b))
    };
    let worse = match (below, lost) {
        (true, _) => Some(format!("left the interval of before, {}", ends(&then))),
        (false, true) => Some("scene by scene it is worse beyond chance".to_owned()),
        (false, false) => None,
    };
    Some(Check {
        name: format!("detection, {figure}"),
        before: ends(&then),
        after: ends(&now),
        change: format!("{:+.3}", sign * (now.mean - then.mean)),
        verdict: Verdict::of(worse),
    })
}
