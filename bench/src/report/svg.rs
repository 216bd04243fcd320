//! The report as a picture: commands a second as bars, latencies as curves over their percentiles.
//!
//! Both axes of the curves are logarithmic: the tail of a latency is the part that matters, and a linear axis
//! gives it one pixel.

use std::fmt::Write;

use super::{Bar, Report, number};
use crate::load::{Histogram, millis};

const WIDTH: f64 = 960.0;
const MARGIN: f64 = 40.0;
const BAR_LEFT: f64 = 300.0;
const BAR_STEP: f64 = 30.0;
const BAR_HEIGHT: f64 = 20.0;
const TITLE_HEIGHT: f64 = 64.0;
const CURVE_HEIGHT: f64 = 300.0;
const CURVE_LEFT: f64 = 90.0;
/// Room for the names at the ends of the curves.
const CURVE_RIGHT: f64 = 700.0;
/// Names closer than this would cover each other.
const NAME_STEP: f64 = 17.0;

const OURS: &str = "#0f766e";
const PEER: &str = "#9ca3af";
const INK: &str = "#1f2937";
const FAINT: &str = "#e5e7eb";
const PALETTE: [&str; 6] = ["#0f766e", "#b45309", "#1d4ed8", "#be185d", "#4d7c0f", "#6b7280"];
/// Shares shown on the axis; beyond the last one a run has too few answers to tell.
const SHARES: [(f64, &str); 6] =
    [(0.0, "0"), (0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"), (0.9999, "99.99 %")];
/// Points per curve; more than the eye can tell apart.
const POINTS: u32 = 160;

pub(crate) fn draw(report: &Report) -> String {
    let mut body = String::new();
    let mut top = MARGIN;
    top = bars(&mut body, &report.bars, top);
    top = curves(&mut body, &report.curves, top + 24.0);
    top = facts(&mut body, report, top + 30.0);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {top:.0}\" width=\"{WIDTH}\" \
         height=\"{top:.0}\" font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"{INK}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

fn title(out: &mut String, text: &str, below: &str, top: f64) {
    let at = top + 14.0;
    line(out, &format!("<text x=\"{MARGIN}\" y=\"{at}\" font-size=\"18\" font-weight=\"600\">{text}</text>"));
    let at = top + 34.0;
    line(out, &format!("<text x=\"{MARGIN}\" y=\"{at}\" fill=\"#6b7280\">{below}</text>"));
}

fn bars(out: &mut String, bars: &[Bar], top: f64) -> f64 {
    title(
        out,
        "Commands a second",
        "each is an answered HTTP request, but for batches, a hundred in one, and pgbench: one INSERT",
        top,
    );
    let most = bars.iter().map(|bar| bar.per_second).fold(1.0, f64::max);
    let longest = WIDTH - BAR_LEFT - MARGIN - 60.0;
    let mut at = top + TITLE_HEIGHT - 10.0;
    for bar in bars {
        let length = (bar.per_second / most * longest).max(1.0);
        let fill = if bar.ours { OURS } else { PEER };
        let (middle, name_end, value_at) = (at + 15.0, BAR_LEFT - 12.0, BAR_LEFT + length + 8.0);
        let name = escape(&bar.name);
        line(out, &format!("<text x=\"{name_end}\" y=\"{middle}\" text-anchor=\"end\">{name}</text>"));
        line(
            out,
            &format!(
                "<rect x=\"{BAR_LEFT}\" y=\"{at}\" width=\"{length:.1}\" height=\"{BAR_HEIGHT}\" rx=\"2\" \
                 fill=\"{fill}\"/>"
            ),
        );
        let value = number(bar.per_second);
        line(out, &format!("<text x=\"{value_at:.1}\" y=\"{middle}\" font-weight=\"600\">{value}</text>"));
        at += BAR_STEP;
    }
    at
}

/// A picture's place for a share and for a latency.
struct Scales {
    top: f64,
    least_ms: f64,
    most_ms: f64,
}

impl Scales {
    fn x(share: f64) -> f64 {
        let nines = |share: f64| -(1.0 - share).log10();
        CURVE_LEFT + nines(share) / nines(0.9999) * (CURVE_RIGHT - CURVE_LEFT)
    }

    fn y(&self, ms: f64) -> f64 {
        let height = (ms.clamp(self.least_ms, self.most_ms) / self.least_ms).log10()
            / (self.most_ms / self.least_ms).log10();
        self.top + CURVE_HEIGHT * (1.0 - height)
    }
}

fn curves(out: &mut String, curves: &[(String, Histogram)], top: f64) -> f64 {
    let told: Vec<_> = curves.iter().filter(|(_, histogram)| histogram.count() > 0).collect();
    if told.is_empty() {
        return top;
    }
    title(out, "Latency", "this share of the requests was answered within …", top);
    let least = told.iter().map(|(_, h)| millis(h.percentile(0.0))).fold(f64::MAX, f64::min);
    let most = told.iter().map(|(_, h)| millis(h.percentile(0.9999))).fold(0.0, f64::max);
    let least_ms = 10_f64.powf(least.max(0.01).log10().floor());
    let most_ms = 10_f64.powf(most.log10().ceil()).max(least_ms * 10.0);
    let scales = Scales { top: top + TITLE_HEIGHT, least_ms, most_ms };
    axes(out, &scales);
    let mut ends = Vec::new();
    for (index, (name, histogram)) in told.iter().enumerate() {
        let color = PALETTE[index % PALETTE.len()];
        let mut points = String::new();
        for step in 0..=POINTS {
            let share = 1.0 - 10_f64.powf(-4.0 * f64::from(step) / f64::from(POINTS));
            let ms = millis(histogram.percentile(share));
            let _infallible = write!(points, "{:.1},{:.1} ", Scales::x(share), scales.y(ms));
        }
        line(
            out,
            &format!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>",
                points.trim_end()
            ),
        );
        ends.push((scales.y(millis(histogram.percentile(0.9999))), color, name.as_str()));
    }
    names(out, ends);
    scales.top + CURVE_HEIGHT + 30.0
}

fn axes(out: &mut String, scales: &Scales) {
    let bottom = scales.top + CURVE_HEIGHT;
    for (share, name) in SHARES {
        let x = Scales::x(share);
        line(
            out,
            &format!(
                "<line x1=\"{x:.1}\" y1=\"{}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"{FAINT}\"/>",
                scales.top
            ),
        );
        let at = bottom + 18.0;
        line(out, &format!("<text x=\"{x:.1}\" y=\"{at}\" text-anchor=\"middle\">{name}</text>"));
    }
    let mut ms = scales.least_ms;
    while ms <= scales.most_ms * 1.001 {
        let y = scales.y(ms);
        line(
            out,
            &format!(
                "<line x1=\"{CURVE_LEFT}\" y1=\"{y:.1}\" x2=\"{CURVE_RIGHT}\" y2=\"{y:.1}\" stroke=\"{FAINT}\"/>"
            ),
        );
        let (end, at, text) = (CURVE_LEFT - 8.0, y + 4.0, tick(ms));
        line(out, &format!("<text x=\"{end}\" y=\"{at:.1}\" text-anchor=\"end\">{text}</text>"));
        ms *= 10.0;
    }
}

/// At the ends of their curves, pushed apart where they would meet.
fn names(out: &mut String, mut ends: Vec<(f64, &str, &str)>) {
    ends.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut free_from = f64::MIN;
    for (end, color, name) in ends {
        let at = end.max(free_from);
        free_from = at + NAME_STEP;
        let (x, y, name) = (CURVE_RIGHT + 8.0, at + 4.0, escape(name));
        line(
            out,
            &format!("<text x=\"{x}\" y=\"{y:.1}\" fill=\"{color}\" font-weight=\"600\">{name}</text>"),
        );
    }
}

/// Two lines on the machine: a figure without them says nothing.
fn facts(out: &mut String, report: &Report, top: f64) -> f64 {
    let text = |key: &str| {
        let value = report.get(key).cloned().unwrap_or_default();
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    };
    let syncs = report.number("machine_fdatasync_us").map_or_else(|| "–".to_owned(), number);
    let lines = [
        format!(
            "{} cores ({}), Linux {}, fdatasync of 8 KiB {syncs} µs, generator and servers on the same cores",
            text("machine_cores"),
            text("machine_cpu"),
            text("machine_kernel"),
        ),
        format!(
            "{}PostgreSQL {} (fsync {}, synchronous_commit {}, shared_buffers {}), nats-server {}; {} old idempotency keys",
            if text("quick") == "true" { "A quick look on smaller sizes. " } else { "" },
            text("postgres_server_version").split(' ').next().unwrap_or_default(),
            text("postgres_fsync"),
            text("postgres_synchronous_commit"),
            text("postgres_shared_buffers"),
            text("nats_version"),
            report.number("seed_old_keys").map_or_else(|| "–".to_owned(), number),
        ),
    ];
    let mut at = top;
    for fact in lines {
        let fact = escape(&fact);
        line(
            out,
            &format!("<text x=\"{MARGIN}\" y=\"{at}\" font-size=\"12\" fill=\"#6b7280\">{fact}</text>"),
        );
        at += 18.0;
    }
    at + 6.0
}

fn tick(ms: f64) -> String {
    // Ticks are powers of ten: rounding only takes away what floating point added.
    if ms >= 1_000.0 { format!("{} s", number(ms / 1e3)) } else { format!("{} ms", (ms * 1e3).round() / 1e3) }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report::default();
        report.bar("many wallets", 24_500.0, true);
        report.bar("pgbench <INSERT> & co", 22_700.0, false);
        for (name, scale) in [("full load", 7), ("one client", 1)] {
            let mut histogram = Histogram::default();
            (1..20_000).for_each(|n| histogram.record(scale * (300 + n / 7)));
            report.curve(name, histogram);
        }
        report
    }

    #[test]
    fn every_bar_and_every_curve_is_drawn_and_named() {
        let drawn = draw(&report());
        assert_eq!(drawn.matches("<polyline").count(), 2);
        assert_eq!(drawn.matches("rx=\"2\"").count(), 2);
        for name in ["many wallets", "pgbench &lt;INSERT&gt; &amp; co", "24,500", "full load", "one client"] {
            assert!(drawn.contains(name), "{name}");
        }
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
    }

    #[test]
    fn an_empty_report_is_a_picture_too() {
        let drawn = draw(&Report::default());
        assert!(drawn.ends_with("</svg>\n") && !drawn.contains("NaN"));
    }

    #[test]
    fn the_tail_takes_most_of_the_axis() {
        let x = Scales::x;
        assert!(x(0.9) - x(0.5) < x(0.999) - x(0.99));
        assert!((x(0.9999) - CURVE_RIGHT).abs() < 0.001 && (x(0.0) - CURVE_LEFT).abs() < 0.001);
    }
}
