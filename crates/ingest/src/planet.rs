//! What the names in a Planet SkySat order mean.

use chrono::{DateTime, Utc};

use crate::date;
use crate::facts::Facts;

/// What a file of a SkySat order holds, from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name<'a> {
    /// `{date}_{time}_{satellite}_{frame}`.
    pub id: &'a str,
    pub product: Product,
}

impl Name<'_> {
    /// What the name itself says: when, UTC, and which satellite, `SSC11`.
    pub fn facts(&self) -> Facts {
        let mut parts = self.id.split('_');
        let (day, clock, satellite) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
        let digits = satellite.trim_start_matches("ssc").trim_start_matches('s');
        let number: String = digits.chars().take_while(char::is_ascii_digit).collect();
        Facts {
            datetime: day.zip(clock).and_then(|(day, clock)| -> Option<DateTime<Utc>> {
                date::in_digits(&format!("{day}{clock}"))
            }),
            platform: Some(format!("SSC{number}")),
            ..Facts::default()
        }
    }
}

/// A product of a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Product {
    /// Red, green and blue, 8 bits.
    Visual,
    /// Four bands at the sharpness of the panchromatic.
    Pansharpened,
    /// Four bands.
    Analytic,
    /// One band.
    Panchromatic,
    /// Usable data mask: cloud, shadow, snow.
    Mask,
}

/// The parts of a name without its extension: `20240812_084107_ssc11_u0001_visual`, also `…_ortho_visual`,
/// `…_pansharpened_clip`, `…_visual_udm2`.
pub(crate) fn name(stem: &str) -> Option<Name<'_>> {
    let digits = |text: &str, n: usize| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
    let mut parts = stem.splitn(5, '_');
    let (day, clock, satellite, frame) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let product = parts.next()?.to_ascii_lowercase();
    let skysat = satellite.strip_prefix("ssc").or_else(|| satellite.strip_prefix('s'))?;
    if !digits(day, 8) || !digits(clock, 6) || !skysat.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let has = |word: &str| product.split('_').any(|p| p == word);
    let product = if has("udm2") {
        Product::Mask
    } else if has("udm") || has("metadata") {
        return None;
    } else if has("visual") {
        Product::Visual
    } else if has("pansharpened") {
        Product::Pansharpened
    } else if has("analytic") {
        Product::Analytic
    } else if has("panchromatic") {
        Product::Panchromatic
    } else {
        return None;
    };
    let id = &stem[..day.len() + clock.len() + satellite.len() + frame.len() + 3];
    Some(Name { id, product })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_an_order() {
        let id = "20240812_084107_ssc11_u0001";
        for (rest, product) in [
            ("visual", Product::Visual),
            ("ortho_visual", Product::Visual),
            ("pansharpened_clip", Product::Pansharpened),
            ("analytic_dn", Product::Analytic),
            ("panchromatic", Product::Panchromatic),
            ("visual_udm2", Product::Mask),
        ] {
            assert_eq!(name(&format!("{id}_{rest}")), Some(Name { id, product }), "{rest}");
        }
        assert_eq!(name("20240812_084107_ssc3d1_0012_visual").unwrap().id, "20240812_084107_ssc3d1_0012");
        let facts = name(&format!("{id}_analytic")).unwrap().facts();
        assert_eq!(facts.datetime, date::instant("2024-08-12T08:41:07Z"));
        assert_eq!(facts.platform.as_deref(), Some("SSC11"));
        let facts = name("20240812_084107_ssc3d1_0012_visual").unwrap().facts();
        assert_eq!(facts.platform.as_deref(), Some("SSC3"));
        for other in [
            "20240812_visual",
            "20240812_084107_1003_3B_visual",
            "a_b_c_d_e",
            "20240812_084107_ssc1_u1_x",
            "",
        ] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}
