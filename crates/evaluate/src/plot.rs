//! The curves as pictures, in SVG.
//!
//! SVG rather than PNG: text needs no font that would have to be shipped with the program, lines stay sharp at any
//! size, and equal curves give equal bytes.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::curves::{FrocPoint, ReliabilityBin};
use crate::{Error, Result};

/// Size of a picture, pixels.
const SIZE: (u32, u32) = (640, 480);
/// The curve.
const LINE: RGBColor = RGBColor(0, 90, 160);
/// What is to be seen first.
const MARK: RGBColor = RGBColor(200, 60, 20);
/// What is only there to compare with.
const QUIET: RGBColor = RGBColor(150, 150, 150);

/// What the drawing library returns.
type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The FROC curve as SVG: false alarms per km2 (in all, where the area is not known) across, completeness up, and a mark
/// where `min_confidence` leads. `None` without truth or detections, which have no curve.
///
/// # Errors
/// [`Error::Plot`].
pub fn froc_svg(points: &[FrocPoint], min_confidence: f64) -> Result<Option<String>> {
    let areal = points.iter().all(|p| p.false_alarms_per_km2.is_some());
    let curve: Option<Vec<(f64, f64, f64)>> = points
        .iter()
        .map(|p| {
            let across = p.false_alarms_per_km2.unwrap_or(p.false_alarms as f64);
            Some((across, p.completeness?, p.confidence))
        })
        .collect();
    let Some(curve) = curve.filter(|c| !c.is_empty()) else { return Ok(None) };
    let most = curve.iter().map(|p| p.0).fold(1.0, f64::max) * 1.05;
    let across = if areal { "false alarms per km²" } else { "false alarms" };
    let svg = drawn("the FROC curve", |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(14)
            .caption("False alarms against completeness", ("sans-serif", 18))
            .x_label_area_size(42)
            .y_label_area_size(52)
            .build_cartesian_2d(0.0..most, 0.0..1.0)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(QUIET.mix(0.3))
            .x_desc(across)
            .y_desc("completeness")
            .x_label_formatter(&|v| short(*v))
            .y_label_formatter(&|v| short(*v))
            .label_style(("sans-serif", 13))
            .draw()?;
        // In steps: what lies between two confidences cannot be had.
        let mut steps = vec![(0.0, 0.0)];
        for &(x, y, _) in &curve {
            let before = steps.last().map_or(0.0, |s: &(f64, f64)| s.1);
            steps.extend([(x, before), (x, y)]);
        }
        chart.draw_series(LineSeries::new(steps, LINE.stroke_width(2)))?;
        if let Some(&(x, y, _)) = curve.iter().rfind(|p| p.2 >= min_confidence) {
            chart.draw_series([Circle::new((x, y), 5, MARK.filled())])?;
            // Beside the mark, where there is room.
            let (dx, anchor) = if x > most * 0.6 { (-10, true) } else { (10, false) };
            let said = format!("confidence ≥ {min_confidence}");
            let wide = 7 * said.chars().count() as i32;
            let at = if anchor { dx - wide } else { dx };
            chart.draw_series([EmptyElement::at((x, y))
                + Text::new(said, (at, 6), ("sans-serif", 13).into_font().color(&MARK))])?;
        }
        Ok(())
    })?;
    Ok(Some(svg))
}

/// The reliability diagram as SVG: confidence across, share of true length up; grey bars are shares of the detected
/// length, the grey diagonal is where confidence says what is true. `None` without detections.
///
/// # Errors
/// [`Error::Plot`].
pub fn reliability_svg(bins: &[ReliabilityBin]) -> Result<Option<String>> {
    let all_m: f64 = bins.iter().map(|b| b.length_m).sum();
    if all_m <= 0.0 {
        return Ok(None);
    }
    let points: Vec<(f64, f64)> = bins.iter().filter_map(|b| Some((b.confidence?, b.share?))).collect();
    let svg = drawn("the reliability diagram", |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(14)
            .caption("Confidence against truth", ("sans-serif", 18))
            .x_label_area_size(42)
            .y_label_area_size(52)
            .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(QUIET.mix(0.3))
            .x_desc("confidence (bars: share of the detected length)")
            .y_desc("share of the length that is true")
            .x_label_formatter(&|v| short(*v))
            .y_label_formatter(&|v| short(*v))
            .label_style(("sans-serif", 13))
            .draw()?;
        let bar = |b: &ReliabilityBin| {
            Rectangle::new([(b.from, 0.0), (b.to, b.length_m / all_m)], QUIET.mix(0.35).filled())
        };
        chart.draw_series(bins.iter().map(bar))?;
        chart.draw_series(LineSeries::new([(0.0, 0.0), (1.0, 1.0)], QUIET.stroke_width(1)))?;
        chart.draw_series(LineSeries::new(points.iter().copied(), LINE.stroke_width(2)))?;
        chart.draw_series(points.iter().map(|&p| Circle::new(p, 4, LINE.filled())))?;
        Ok(())
    })?;
    Ok(Some(svg))
}

/// Draws on a white ground.
fn drawn(what: &'static str, draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<String> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    let on_white = || -> Drawn {
        area.fill(&WHITE)?;
        draw(&area)?;
        Ok(area.present()?)
    };
    let done = on_white().map_err(|e| Error::Plot { what, reason: e.to_string() });
    drop(area);
    done?;
    Ok(svg)
}

/// A number for an axis: `0.2`, `15`.
fn short(v: f64) -> String {
    format!("{}", (v * 1000.0).round() / 1000.0 + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(confidence: f64, completeness: f64, alarms: usize) -> FrocPoint {
        let per_km2 = Some(alarms as f64 * 2.0);
        FrocPoint {
            confidence,
            completeness: Some(completeness),
            false_alarms: alarms,
            false_alarms_per_km2: per_km2,
        }
    }

    #[test]
    fn a_curve_is_drawn_with_its_mark() {
        let points = [point(0.9, 0.3, 0), point(0.6, 0.5, 2), point(0.3, 0.8, 9)];
        let svg = froc_svg(&points, 0.5).unwrap().unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("false alarms per km²") && svg.contains("confidence ≥ 0.5"));
        assert_eq!(svg, froc_svg(&points, 0.5).unwrap().unwrap());
        let none = FrocPoint { completeness: None, ..points[0] };
        assert_eq!(froc_svg(&[none], 0.5).unwrap(), None);
        assert_eq!(froc_svg(&[], 0.5).unwrap(), None);
    }

    /// Numbers of an attribute of every element that begins with `tag`.
    fn numbers(svg: &str, tag: &str, attribute: &str) -> Vec<Vec<f64>> {
        svg.split(tag)
            .skip(1)
            .filter_map(|rest| {
                let element = rest.split('>').next()?;
                let value = element.split(&format!(" {attribute}=\"")).nth(1)?.split('"').next()?;
                Some(value.split([' ', ',']).filter_map(|v| v.parse().ok()).collect())
            })
            .collect()
    }

    #[test]
    fn what_confidence_says_lies_on_the_diagonal_and_the_mark_on_the_curve() {
        let bin = |from: f64, share: f64| ReliabilityBin {
            from,
            to: from + 0.1,
            detections: 1,
            length_m: 10.0,
            confidence: Some(from + 0.05),
            share: Some(share),
        };
        let svg = reliability_svg(&[bin(0.2, 0.25), bin(0.7, 0.75), bin(0.9, 0.5)]).unwrap().unwrap();
        let (x, y) = (numbers(&svg, "<circle", "cx"), numbers(&svg, "<circle", "cy"));
        let lines = numbers(&svg, "<polyline", "points");
        // The diagonal is the line of two points that runs over the whole chart: from (0, 0) to (1, 1).
        let diagonal =
            lines.iter().find(|l| l.len() == 4 && l[2] - l[0] > 400.0 && l[1] - l[3] > 300.0).unwrap();
        let at = |v: f64, from: f64, to: f64| from + v * (to - from);
        for (k, (confidence, share)) in [(0.25, 0.25), (0.75, 0.75), (0.95, 0.5)].into_iter().enumerate() {
            assert!((x[k][0] - at(confidence, diagonal[0], diagonal[2])).abs() <= 1.5, "{k}");
            assert!((y[k][0] - at(share, diagonal[1], diagonal[3])).abs() <= 1.5, "{k}");
        }
        let points = [point(0.9, 0.3, 0), point(0.6, 0.5, 2), point(0.3, 0.8, 9)];
        let svg = froc_svg(&points, 0.5).unwrap().unwrap();
        let mark = (numbers(&svg, "<circle", "cx")[0][0], numbers(&svg, "<circle", "cy")[0][0]);
        let lines = numbers(&svg, "<polyline", "points");
        let curve = lines.iter().max_by_key(|l| l.len()).unwrap();
        assert_eq!(curve.len(), 14);
        // Up, across, up, across, up: the second point comes fifth, and the mark is on it.
        let nth = |k: usize| (curve[2 * k], curve[2 * k + 1]);
        assert!((mark.0 - nth(4).0).abs() <= 1.0 && (mark.1 - nth(4).1).abs() <= 1.0, "{mark:?} {curve:?}");
    }

    #[test]
    fn bins_without_detections_leave_no_point() {
        let bin = |from: f64, length_m: f64| ReliabilityBin {
            from,
            to: from + 0.1,
            detections: usize::from(length_m > 0.0),
            length_m,
            confidence: (length_m > 0.0).then_some(from + 0.05),
            share: (length_m > 0.0).then_some(0.5),
        };
        let svg = reliability_svg(&[bin(0.2, 30.0), bin(0.5, 0.0), bin(0.8, 10.0)]).unwrap().unwrap();
        assert_eq!(svg.matches("<circle").count(), 2);
        assert_eq!(reliability_svg(&[bin(0.2, 0.0)]).unwrap(), None);
    }
}
