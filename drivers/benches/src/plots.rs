//! Plots, in colors that can be read on light and dark pages.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::look_ups::{self, ROUTES};
use crate::page::Measured;
use crate::table::Row;

const OURS: RGBColor = RGBColor(47, 129, 247);
const PEER: RGBColor = RGBColor(210, 120, 30);
const TEXT: RGBColor = RGBColor(125, 133, 144);

const WIDTH: u32 = 860;

type Failed = Box<dyn core::error::Error>;

/// Returns the plot that belongs to a group.
pub(crate) fn of(group: &str) -> Option<&'static str> {
    (group == look_ups::GROUP.name).then_some("look-ups.svg")
}

/// Draws every plot.
pub(crate) fn all(measured: &Measured) -> Vec<(&'static str, String)> {
    let mut plots = vec![("ratios.svg", ratios(measured))];
    let look_ups = measured.iter().find(|(group, _)| group.name == look_ups::GROUP.name);
    plots.extend(look_ups.map(|(_, rows)| ("look-ups.svg", times_of_look_ups(rows))));
    plots.into_iter().map(|(name, plot)| (name, plot.expect("a text takes every plot"))).collect()
}

fn draw(
    height: u32,
    plot: impl FnOnce(&DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Failed>,
) -> Result<String, Failed> {
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
    plot(&area)?;
    area.present()?;
    drop(area);
    Ok(text)
}

fn font(size: u32, color: RGBColor) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&color)
}

/// Every ratio, on a logarithmic scale: to the left of the center line, ours needs less.
fn ratios(measured: &Measured) -> Result<String, Failed> {
    const ROW: u32 = 17;
    const LEFT: i32 = 440;
    let mut bars = Vec::new();
    for (group, rows) in measured {
        for row in rows {
            let Ok(figures) = &row.figures else { continue };
            let (Some(ratio), Some((peer, _))) = (figures.ratio(), figures.peer) else { continue };
            bars.push((format!("{}: {}", group.name, row.what), peer, ratio));
        }
    }
    let height = ROW * u32::try_from(bars.len())? + 40;
    draw(height, |area| {
        let (most, least) = (200.0_f64.ln(), 0.02_f64.ln());
        let across = f64::from(i32::try_from(WIDTH)? - LEFT - 20) / (most - least);
        #[expect(clippy::cast_possible_truncation, reason = "within the picture")]
        let x = |ratio: f64| LEFT + ((ratio.ln().clamp(least, most) - least) * across) as i32;
        let bottom = i32::try_from(height)? - 24;
        for at in [0.02, 0.1, 0.5, 1.0, 2.0, 10.0, 100.0] {
            let width = if at == 1.0 { 2 } else { 1 };
            let line = TEXT.mix(if at == 1.0 { 0.9 } else { 0.25 }).stroke_width(width);
            area.draw(&PathElement::new([(x(at), 6), (x(at), bottom)], line))?;
            let style = font(12, TEXT).pos(Pos::new(HPos::Center, VPos::Top));
            area.draw_text(&at.to_string(), &style, (x(at), bottom + 6))?;
        }
        for (n, (what, peer, ratio)) in (0..).zip(&bars) {
            let y = 8 + n * i32::try_from(ROW)?;
            let color = if *ratio <= 1.0 { OURS } else { PEER };
            area.draw(&Rectangle::new([(x(1.0), y), (x(*ratio), y + 10)], color.filled()))?;
            let style = font(11, TEXT).pos(Pos::new(HPos::Right, VPos::Top));
            area.draw_text(&format!("{what} / {peer}"), &style, (LEFT - 8, y))?;
        }
        Ok(())
    })
}

/// Look-ups by the number of routes, both axes logarithmic.
fn times_of_look_ups(rows: &[Row]) -> Result<String, Failed> {
    let points = rows.iter().zip(ROUTES).filter_map(|(row, routes)| {
        let figures = row.figures.as_ref().ok()?;
        let routes = f64::from(u32::try_from(routes).ok()?);
        Some((routes, figures.ours * 1e9, figures.peer?.1 * 1e9))
    });
    let points: Vec<(f64, f64, f64)> = points.collect();
    let figures = points.iter().flat_map(|(_, ours, peer)| [*ours, *peer]);
    let (least, most) = figures.fold((f64::MAX, f64::MIN), |(a, b), n| (a.min(n), b.max(n)));
    draw(300, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(64)
            .build_cartesian_2d(
                (8.0..130_000.0_f64).log_scale(),
                (least * 0.8..most * 1.3).log_scale(),
            )?;
        chart
            .configure_mesh()
            .axis_style(TEXT)
            .bold_line_style(TEXT.mix(0.25))
            .light_line_style(TRANSPARENT)
            .label_style(font(12, TEXT))
            .axis_desc_style(font(12, TEXT))
            .x_label_formatter(&|routes| format!("{routes:.0}"))
            .y_label_formatter(&|time| format!("{time:.0}"))
            .y_labels(6)
            .x_desc("routes")
            .y_desc("ns a look-up")
            .draw()?;
        let series = |pick: fn(&(f64, f64, f64)) -> f64| {
            points.iter().map(|point| (point.0, pick(point))).collect::<Vec<_>>()
        };
        for (name, color, line) in [
            ("AppTheory", OURS, series(|point| point.1)),
            ("matchit", PEER, series(|point| point.2)),
        ] {
            let end = line.last().copied().unwrap_or((8.0, least));
            chart.draw_series([PathElement::new(line.clone(), color.stroke_width(2))])?;
            chart.draw_series(line.into_iter().map(|at| Circle::new(at, 3, color.filled())))?;
            let style = font(13, color).pos(Pos::new(HPos::Right, VPos::Bottom));
            chart.draw_series([Text::new(name, (end.0, end.1 * 1.05), style)])?;
        }
        Ok(())
    })
}
