//! A figure: a title, how to read it, a legend, and one plot for each workload.

use crate::report::escape::html as escape;

/// Pixels that a plot is wide; a page gives it this or more, so that text keeps its size.
pub const WIDTH: f64 = 344.0;

/// One numbered figure.
pub struct Figure {
    /// What it shows.
    pub title: &'static str,
    /// How to read it, in a sentence or two.
    pub reading: String,
    /// HTML of the legend; empty where the plots name everything.
    pub legend: String,
    /// Workloads, and the plot of each as SVG.
    pub plots: Vec<(String, String)>,
}

impl Figure {
    /// The figure as HTML.
    pub fn html(&self, number: usize) -> String {
        let plots: String = self
            .plots
            .iter()
            .map(|(workload, svg)| {
                format!("<div class=\"plot\">\n<h4>{}</h4>\n{svg}\n</div>\n", escape(workload))
            })
            .collect();
        format!(
            "<figure>\n<figcaption>\n<h3><span>Figure {number}</span> {}</h3>\n<p>{}</p>\n</figcaption>\n{}\
             <div class=\"plots\">\n{plots}</div>\n</figure>\n",
            self.title, self.reading, self.legend
        )
    }
}
