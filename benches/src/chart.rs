//! The pictures: a bar for each peer and number of results, and lines for growth.

use crate::peers::{Peer, Side};
use crate::results::{Growth, Results};
use crate::shapes::{COUNTS, Lane, Pattern};
use crate::times::SCALING_PEERS;
use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

const PEERS: [Peer; 8] = [
    Peer::MultiOut,
    Peer::Explicit,
    Peer::Gcc,
    Peer::Clang,
    Peer::ShimSystemV,
    Peer::ShimTail,
    Peer::WasmtimeWrap,
    Peer::WasmtimeNew,
];

/// Colours that differ for the colour-blind too (Okabe and Ito), one for each of [`PEERS`].
const COLOURS: [RGBColor; PEERS.len()] = [
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xf0, 0xe4, 0x42),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0x00, 0x00, 0x00),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
];

fn colour(peer: Peer) -> RGBColor {
    let index = PEERS.iter().position(|p| *p == peer);
    COLOURS[index.unwrap_or(0)]
}

/// The bar chart as SVG: nanoseconds of a call, dependent, by number of 64-bit results.
///
/// # Errors
///
/// If it cannot be drawn.
pub fn bars(results: &Results) -> Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (960, 420)).into_drawing_area();
        draw_bars(&area, results).map_err(|error| anyhow!("cannot draw the bars: {error}"))?;
    }
    Ok(without_blanks(&svg))
}

/// plotters ends lines with blanks, and files without a line feed.
fn without_blanks(svg: &str) -> String {
    svg.trim_end()
        .lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

fn draw_bars(
    area: &DrawingArea<SVGBackend, Shift>,
    results: &Results,
) -> Result<(), Box<dyn std::error::Error>> {
    area.fill(&WHITE)?;
    let (area, legend) = area.split_horizontally(750);
    let time = |peer: Peer, count: usize| {
        let case = results.times.iter().find(|case| {
            case.spec.side == Side::Caller
                && case.spec.pattern == Pattern::Dependent
                && case.spec.shape.lane == Lane::I64
                && case.spec.shape.count == count
        });
        Some(case?.peer(peer)?.time.value)
    };
    let all = PEERS.map(|peer| COUNTS.map(|count| time(peer, count)));
    let most = all.iter().flatten().flatten().copied().fold(10.0, f64::max);
    let groups = COUNTS.len() as f64;
    let mut chart = ChartBuilder::on(&area)
        .caption(
            "Nanoseconds of a dependent call, by number of i64 results",
            ("sans-serif", 18),
        )
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(50)
        .build_cartesian_2d(0.0..groups, (1.0..most * 1.3).log_scale())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(COUNTS.len() * 2 + 1)
        .x_label_formatter(&|x| match COUNTS.get(x.floor() as usize) {
            Some(count) if (x.fract() - 0.5).abs() < 0.01 => count.to_string(),
            _ => String::new(),
        })
        .y_label_formatter(&|y| short(*y))
        .draw()?;
    let width = 0.9 / PEERS.len() as f64;
    for (index, peer) in PEERS.into_iter().enumerate() {
        let bars = all[index].iter().enumerate().filter_map(|(group, time)| {
            let left = group as f64 + 0.05 + index as f64 * width;
            let corners = [(left, 1.0), (left + width * 0.9, (*time)?)];
            Some(Rectangle::new(corners, colour(peer).filled()))
        });
        chart.draw_series(bars)?;
        let y = 60 + 22 * index as i32;
        let corners = [(0, y), (12, y + 10)];
        legend.draw(&Rectangle::new(corners, colour(peer).filled()))?;
        let missing = match all[index].iter().all(Option::is_none) {
            true => " (not run)",
            false => "",
        };
        let name = format!("{peer}{missing}");
        legend.draw(&Text::new(name, (18, y), ("sans-serif", 13)))?;
    }
    legend.present()?;
    Ok(())
}

/// A number of an axis.
fn short(number: f64) -> String {
    match number {
        1e6.. => format!("{}M", number / 1e6),
        1e3.. => format!("{}k", number / 1e3),
        _ => format!("{number}"),
    }
}

/// The growth of times, code and compile times as SVG, both axes logarithmic.
///
/// # Errors
///
/// If it cannot be drawn.
pub fn growth(results: &Results) -> Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (960, 360)).into_drawing_area();
        draw_growth(&area, results).map_err(|error| anyhow!("cannot draw the growth: {error}"))?;
    }
    Ok(without_blanks(&svg))
}

fn draw_growth(
    area: &DrawingArea<SVGBackend, Shift>,
    results: &Results,
) -> Result<(), Box<dyn std::error::Error>> {
    area.fill(&WHITE)?;
    let panels = area.split_evenly((1, 3));
    let times = SCALING_PEERS.map(|peer| {
        let points = results
            .scaling
            .iter()
            .filter_map(|case| Some((case.spec.shape.count as f64, case.peer(peer)?.time.value)));
        (peer, points.collect())
    });
    draw_lines(&panels[0], "ns of a call, by results", &times)?;
    draw_lines(&panels[1], "bytes of a caller, by results", &results.growth)?;
    let compile = [(Peer::MultiOut, 0), (Peer::Explicit, 1)].map(|(peer, which)| {
        let points = results.calls.iter().filter_map(|(calls, counts)| {
            let (multi_out, explicit) = *counts.as_ref().ok()?;
            Some((*calls as f64, [multi_out, explicit][which] as f64))
        });
        (peer, points.collect())
    });
    draw_lines(&panels[2], "instructions to compile, by calls", &compile)?;
    area.present()?;
    Ok(())
}

fn draw_lines(
    area: &DrawingArea<SVGBackend, Shift>,
    title: &str,
    lines: &[Growth],
) -> Result<(), Box<dyn std::error::Error>> {
    let points = || lines.iter().flat_map(|(_, points)| points);
    let most = points().fold((1.0f64, 1.0f64), |most, p| {
        (most.0.max(p.0), most.1.max(p.1))
    });
    let least = points().fold(most.1, |least, p| least.min(p.1)).max(0.1);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(8)
        .margin_right(20)
        .x_label_area_size(25)
        .y_label_area_size(55)
        .build_cartesian_2d(
            (1.0..most.0 * 1.1).log_scale(),
            (least * 0.8..most.1 * 1.2).log_scale(),
        )?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_label_formatter(&|x| short(*x))
        .y_label_formatter(&|y| short(*y))
        .draw()?;
    for (peer, points) in lines {
        // Lines lie on each other: the first, which is below, is seen on both sides of the others.
        let width = if *peer == Peer::MultiOut { 6 } else { 2 };
        let style = colour(*peer).stroke_width(width);
        chart
            .draw_series(LineSeries::new(points.iter().copied(), style))?
            .label(peer.name())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 12, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.8))
        .draw()?;
    Ok(())
}
