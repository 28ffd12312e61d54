//! The pictures: a bar for each peer and number of results, and lines for growth.

use crate::peers::{Peer, Side};
use crate::results::Results;
use crate::shapes::{COUNTS, Lane, Pattern};
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
    Ok(svg.trim_end().to_owned() + "\n")
}

fn draw_bars(
    area: &DrawingArea<SVGBackend, Shift>,
    results: &Results,
) -> Result<(), Box<dyn std::error::Error>> {
    area.fill(&WHITE)?;
    let groups = COUNTS.len() as f64;
    let mut chart = ChartBuilder::on(area)
        .caption(
            "Nanoseconds of a dependent call, by number of i64 results",
            ("sans-serif", 18),
        )
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(50)
        .build_cartesian_2d(0.0..groups, (1.0..2_000.0).log_scale())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(COUNTS.len() * 2 + 1)
        .x_label_formatter(&|x| match COUNTS.get(x.floor() as usize) {
            Some(count) if (x.fract() - 0.5).abs() < 0.01 => count.to_string(),
            _ => String::new(),
        })
        .draw()?;
    let width = 0.9 / PEERS.len() as f64;
    for (index, peer) in PEERS.into_iter().enumerate() {
        let colour = Palette99::pick(index).to_rgba();
        let bars = COUNTS.iter().enumerate().filter_map(|(group, count)| {
            let case = results.times.iter().find(|case| {
                case.side == Side::Caller
                    && case.pattern == Pattern::Dependent
                    && case.shape.lane == Lane::I64
                    && case.shape.count == *count
            })?;
            let time = case.peer(peer)?.time.value;
            let left = group as f64 + 0.05 + index as f64 * width;
            Some(Rectangle::new(
                [(left, 1.0), (left + width * 0.9, time)],
                colour.filled(),
            ))
        });
        chart
            .draw_series(bars)?
            .label(peer.name())
            .legend(move |(x, y)| Rectangle::new([(x, y - 4), (x + 12, y + 4)], colour.filled()));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .draw()?;
    area.present()?;
    Ok(())
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
    Ok(svg.trim_end().to_owned() + "\n")
}

/// A name, and points.
type Line = (&'static str, Vec<(f64, f64)>);

fn draw_growth(
    area: &DrawingArea<SVGBackend, Shift>,
    results: &Results,
) -> Result<(), Box<dyn std::error::Error>> {
    area.fill(&WHITE)?;
    let panels = area.split_evenly((1, 3));
    let times = [
        Peer::MultiOut,
        Peer::Explicit,
        Peer::Gcc,
        Peer::Clang,
        Peer::ShimTail,
    ];
    let times = times.map(|peer| {
        let points = results
            .scaling
            .iter()
            .filter_map(|case| Some((case.shape.count as f64, case.peer(peer)?.time.value)));
        (peer.name(), points.collect())
    });
    draw_lines(&panels[0], "ns of a call, by results", &times)?;
    let code = results
        .growth
        .iter()
        .map(|(peer, points)| (peer.name(), points.clone()));
    draw_lines(
        &panels[1],
        "bytes of a caller, by results",
        &code.collect::<Vec<_>>(),
    )?;
    let compile = [("multi-out", 0), ("explicit out pointer", 1)].map(|(name, which)| {
        let points = results.calls.iter().filter_map(|(calls, counts)| {
            let (multi_out, explicit) = *counts.as_ref().ok()?;
            Some((*calls as f64, [multi_out, explicit][which] as f64))
        });
        (name, points.collect())
    });
    draw_lines(&panels[2], "instructions to compile, by calls", &compile)?;
    area.present()?;
    Ok(())
}

fn draw_lines(
    area: &DrawingArea<SVGBackend, Shift>,
    title: &str,
    lines: &[Line],
) -> Result<(), Box<dyn std::error::Error>> {
    let points = || lines.iter().flat_map(|(_, points)| points);
    let most = points().fold((1.0f64, 1.0f64), |most, p| {
        (most.0.max(p.0), most.1.max(p.1))
    });
    let least = points().fold(most.1, |least, p| least.min(p.1)).max(0.1);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(8)
        .x_label_area_size(25)
        .y_label_area_size(55)
        .build_cartesian_2d(
            (1.0..most.0 * 1.1).log_scale(),
            (least * 0.8..most.1 * 1.2).log_scale(),
        )?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()?;
    for (index, (name, points)) in lines.iter().enumerate() {
        let colour = Palette99::pick(index).to_rgba();
        chart
            .draw_series(LineSeries::new(
                points.iter().copied(),
                colour.stroke_width(2),
            ))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 12, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .draw()?;
    Ok(())
}
