//! What speaks for a work and what against it, in words that need no manual.

use domain::{Class, Earthwork};

/// Agreement of the shade beyond which it is said to lie one way or the other.
const SHADE: f64 = 0.25;
/// Below this a line hardly turns, degrees each 10 m: digitised ditches bend under 20° in a leg of 70 m.
const STRAIGHT_DEG: f64 = 3.0;
/// From this on it winds, degrees each 10 m. Digitised trenches turn by 33° every 8.4 m, in the median.
const WINDING_DEG: f64 = 12.0;
/// Confidence from which on a trench speaks for the short lines that touch it, and length up to which they are short, metres.
const SURER: f64 = 0.5;
const SHORT_M: f64 = 25.0;

/// One sentence for each kind of evidence.
pub(super) fn in_words(e: &Earthwork) -> Vec<String> {
    let proof = &e.evidence;
    let mut out = vec![contrast(proof.contrast_earlier, proof.contrast_later)];
    let share = 100.0 * proof.continuity;
    out.push(format!(
        "It stands out from the ground beside it along {share:.0} % of its length; as a line it is {:.1} times as strong as \
         the clutter around it was on either date.",
        proof.gain
    ));
    let (new, drain, other) = (proof.nearness, proof.drain_nearness, proof.look_alike_nearness);
    if new + drain + other > 0.0 {
        let like = match proof.look_alike {
            Some(class) => format!(", most like a {}", class.in_words()),
            None => String::new(),
        };
        out.push(format!(
            "The network, of 1: {new:.2} for a new earthwork, {drain:.2} for a new drain or pipeline, {other:.2} for any \
             other new line{like}.{}",
            if drain.max(other) > new { " It could be the other: look twice." } else { "" }
        ));
    }
    out.push(shade(proof.shadow).to_owned());
    if proof.turning_deg > 0.0 {
        out.push(turning(e.class, proof.turning_deg));
    }
    if e.class == Class::Trench && proof.touches >= SURER && e.length_m <= SHORT_M {
        out.push(format!(
            "It is short and touches a trench of confidence {:.2}, as arms and firing bays do.",
            proof.touches
        ));
    }
    out
}

/// `27 % darker than the ground beside it`, `3 % paler`, `as dark as the ground beside it`.
fn darker(contrast: f64) -> String {
    let percent = (100.0 * contrast).round();
    match percent {
        p if p >= 1.0 => format!("{p:.0} % darker than the ground beside it"),
        p if p <= -1.0 => format!("{:.0} % paler than the ground beside it", -p),
        _ => "as dark as the ground beside it".to_owned(),
    }
}

fn contrast(earlier: f64, later: f64) -> String {
    format!(
        "Its core is {} on the later image; on the earlier the same place is {}.",
        darker(later),
        darker(earlier)
    )
}

fn shade(agreement: Option<f64>) -> &'static str {
    match agreement {
        None => {
            "Shade says nothing: the cut is too narrow for its sides to be told apart, or the sun is not known or shines \
             along it."
        }
        Some(a) if a >= SHADE => "The shade in it lies as the sun of that day casts it in a cut.",
        Some(a) if a <= -SHADE => {
            "The shade in it lies the other way than the sun of that day casts it in a cut, which speaks against it."
        }
        Some(_) => "The shade in it says little either way.",
    }
}

fn turning(class: Class, deg: f64) -> String {
    let how = match deg {
        d if d < STRAIGHT_DEG => "It runs almost straight",
        d if d < WINDING_DEG => "It bends",
        _ => "It winds",
    };
    let usual = match (class, deg) {
        (Class::Trench, d) if d < STRAIGHT_DEG => ", as drains and pipelines do and few trenches",
        (Class::Trench, _) => ", as trenches do and drains and pipelines hardly",
        (Class::AntiVehicleDitch, d) if d < STRAIGHT_DEG => ", as ditches do, and drains and pipelines too",
        _ => "",
    };
    format!("{how} ({deg:.0}° each 10 m){usual}.")
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use domain::Evidence;
    use geo_types::LineString;

    use super::*;

    fn words(class: Class, evidence: Evidence) -> String {
        words_of(class, evidence, 100.0)
    }

    fn words_of(class: Class, evidence: Evidence, length_m: f64) -> String {
        let work = Earthwork {
            id: String::new(),
            class,
            confidence: 0.9,
            centreline: LineString(vec![]),
            length_m,
            width_m: 1.5,
            earlier: DateTime::default(),
            later: DateTime::default(),
            pair: String::new(),
            evidence,
        };
        in_words(&work).join(" ")
    }

    #[test]
    fn each_kind_is_told_and_what_speaks_against_a_work_is_told_too() {
        let evidence = Evidence {
            gain: 5.5,
            contrast_later: 0.27,
            contrast_earlier: -0.02,
            continuity: 0.9,
            nearness: 0.8,
            drain_nearness: 0.2,
            look_alike_nearness: 0.1,
            look_alike: Some(Class::PipelineOrDrain),
            shadow: Some(0.6),
            turning_deg: 31.0,
            touches: 0.97,
        };
        let text = words(Class::Trench, evidence);
        for said in [
            "27 % darker than the ground beside it on the later",
            "2 % paler",
            "along 90 % of its length",
            "5.5 times",
            "0.80 for a new earthwork, 0.20 for a new drain or pipeline, 0.10 for any other new line, most like a pipeline or drain.",
            "lies as the sun of that day casts it",
            "winds (31° each 10 m), as trenches do",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
        // 100 m are no arm.
        assert!(!text.contains("look twice") && !text.contains("arms"), "{text}");
        let doubtful =
            Evidence { nearness: 0.3, drain_nearness: 0.6, shadow: Some(-0.5), turning_deg: 1.0, ..evidence };
        let text = words(Class::Trench, doubtful);
        assert!(text.contains("look twice") && text.contains("speaks against"), "{text}");
        assert!(text.contains("almost straight (1° each 10 m), as drains and pipelines do"), "{text}");
    }

    #[test]
    fn a_short_line_says_what_it_touches() {
        let touches = |touches| Evidence { touches, ..Evidence::default() };
        let text = words_of(Class::Trench, touches(0.97), 8.0);
        assert!(text.contains("touches a trench of confidence 0.97"), "{text}");
        assert!(!words_of(Class::Trench, touches(0.2), 8.0).contains("touches"));
        // A ditch is no arm.
        assert!(!words_of(Class::AntiVehicleDitch, touches(0.97), 20.0).contains("touches"));
    }

    #[test]
    fn what_was_not_measured_is_not_told() {
        let text = words(Class::AntiVehicleDitch, Evidence::default());
        assert!(
            text.contains("Shade says nothing") && !text.contains("network") && !text.contains("each 10 m"),
            "{text}"
        );
    }
}
