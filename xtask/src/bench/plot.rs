//! The CPU time per operation as a plot: a bar a server for each workload, drawn as SVG.

use std::fmt::Write;

use super::report::{Measurement, Report};

const WIDTH: f64 = 900.0;
const LEFT: f64 = 230.0;
const BAR: f64 = 16.0;
const GROUP: f64 = 46.0;
const TOP: f64 = 60.0;

const CASSANDRA_COLOUR: &str = "#8a8f98";
const HELENUS_COLOUR: &str = "#1f6feb";

/// Draws the report.
pub(crate) fn svg(report: &Report) -> String {
    let pairs = report.pairs();
    let lines = pairs.iter().flat_map(|(first, second)| [*first, *second]).flatten();
    let most = lines.map(|line| line.cpu_microseconds).fold(1.0, f64::max);
    let height = TOP + GROUP * pairs.len() as f64 + 30.0;
    let mut out = String::new();
    let _infallible = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"20\" y=\"26\" font-size=\"16\">Server CPU time per operation, microseconds \
         (shorter is better)</text>\n\
         <text x=\"20\" y=\"46\" fill=\"{CASSANDRA_COLOUR}\">Apache Cassandra {}</text>\n\
         <text x=\"190\" y=\"46\" fill=\"{HELENUS_COLOUR}\">Helenus</text>\n",
        crate::oracle::VERSION
    );
    for (at, (cassandra, helenus)) in pairs.iter().enumerate() {
        let y = TOP + GROUP * at as f64;
        if let Some(line) = cassandra.or(*helenus) {
            let _infallible =
                writeln!(out, "<text x=\"20\" y=\"{:.0}\">{} × {}</text>", y + 20.0, line.workload, line.in_flight);
        }
        bar(&mut out, *cassandra, y, most, CASSANDRA_COLOUR);
        bar(&mut out, *helenus, y + BAR + 2.0, most, HELENUS_COLOUR);
    }
    out.push_str("</svg>\n");
    out
}

fn bar(out: &mut String, line: Option<&Measurement>, y: f64, most: f64, colour: &str) {
    let Some(line) = line else {
        return;
    };
    let width = (WIDTH - LEFT - 80.0) * line.cpu_microseconds / most;
    let _infallible = writeln!(
        out,
        "<rect x=\"{LEFT}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\
         <text x=\"{:.1}\" y=\"{:.0}\">{:.1}</text>",
        LEFT + width + 6.0,
        y + BAR - 3.0,
        line.cpu_microseconds
    );
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::sample;
    use super::*;

    #[test]
    fn a_bar_for_each_line() {
        let drawn = svg(&sample());
        assert_eq!(drawn.matches("<rect x=").count(), 3);
        assert!(drawn.contains("point_write × 128"), "{drawn}");
        assert!(drawn.ends_with("</svg>\n"));
    }
}
