//! What `/metrics` shows: counters of the wire, of the listener, of SQL and of the store, read when asked for.

use std::sync::atomic::AtomicU64;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use rutile_kv_env::{HISTOGRAM_BOUNDS_MICROS, HistogramReading};
use rutile_server_wire::Metrics as WireMetrics;
use rutile_sql::session::Instance;

type Labels = Vec<(&'static str, &'static str)>;

/// One reading of everything.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    counters: Vec<(String, &'static str, u64)>,
    gauges: Vec<(String, &'static str, u64)>,
    histograms: Vec<HistogramFamily>,
}

/// Histograms of one name.
#[derive(Debug)]
pub(crate) struct HistogramFamily {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) samples: Vec<(Labels, HistogramReading)>,
}

impl Reading {
    pub(crate) fn counter(&mut self, name: impl Into<String>, help: &'static str, value: u64) {
        self.counters.push((name.into(), help, value));
    }

    pub(crate) fn gauge(&mut self, name: impl Into<String>, help: &'static str, value: u64) {
        self.gauges.push((name.into(), help, value));
    }

    pub(crate) fn histogram(&mut self, family: HistogramFamily) {
        self.histograms.push(family);
    }

    /// The counters of the MySQL protocol.
    pub(crate) fn wire(&mut self, metrics: &WireMetrics) {
        let rows: [(&str, &'static str, &AtomicU64); 8] = [
            ("logins", "Successful logins", &metrics.logins),
            ("logins_refused", "Logins refused or not finished", &metrics.logins_refused),
            ("full_password_checks", "Passwords checked the long way", &metrics.full_password_checks),
            ("commands", "Commands received", &metrics.commands),
            ("errors_sent", "Error packets sent", &metrics.errors_sent),
            ("malformed_packets", "Connections ended for a malformed packet", &metrics.malformed_packets),
            ("received_bytes", "Bytes received from clients", &metrics.bytes_received),
            ("sent_bytes", "Bytes sent to clients", &metrics.bytes_sent),
        ];
        for (name, help, counter) in rows {
            self.counter(name, help, WireMetrics::read(counter));
        }
    }

    /// What sessions did: MySQL's status counters under their own names, and what they hold.
    pub(crate) fn sql(&mut self, instance: &Instance) {
        for (name, value) in instance.status().list() {
            self.counter(format!("mysql_{}", name.to_lowercase()), "As in SHOW STATUS", value);
        }
        let followers = instance.client().follower_reads();
        self.counter("follower_reads", "Reads that followers served (rutile_replica_read)", followers);
        self.gauge(
            "prepared_statements",
            "Statements prepared in all sessions",
            instance.prepared_statements(),
        );
        let held = instance.query_memory_bytes() as u64;
        self.gauge("query_memory_bytes", "Memory that running queries hold of the limit", held);
    }
}

/// Hands a reading to the encoder.
#[derive(Debug)]
struct Page(Reading);

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for (name, help, value) in &self.0.counters {
            let metric = ConstCounter::new(*value);
            let descriptor = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
            metric.encode(descriptor)?;
        }
        for (name, help, value) in &self.0.gauges {
            let metric = ConstGauge::new(i64::try_from(*value).unwrap_or(i64::MAX));
            let descriptor = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
            metric.encode(descriptor)?;
        }
        for family in &self.0.histograms {
            let mut descriptor =
                encoder.encode_descriptor(family.name, family.help, None, MetricType::Histogram)?;
            for (labels, read) in &family.samples {
                if labels.is_empty() {
                    encode_histogram(&mut descriptor, read)?;
                } else {
                    encode_histogram(&mut descriptor.encode_family(labels)?, read)?;
                }
            }
        }
        Ok(())
    }
}

fn encode_histogram(encoder: &mut MetricEncoder<'_>, read: &HistogramReading) -> Result<(), std::fmt::Error> {
    let bounds = HISTOGRAM_BOUNDS_MICROS.iter().map(|micros| *micros as f64 / 1e6);
    // The encoder's way of writing +Inf.
    let bounds = bounds.chain([f64::MAX]);
    let buckets: Vec<(f64, u64)> = bounds.zip(read.buckets).collect();
    encoder.encode_histogram::<NoLabelSet>(read.sum_nanos as f64 / 1e9, read.count(), &buckets, None)
}

/// The page in Prometheus' text format.
pub(crate) fn render(reading: Reading) -> Result<String, std::fmt::Error> {
    let mut registry = prometheus_client::registry::Registry::with_prefix("rutile");
    registry.register_collector(Box::new(Page(reading)));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rutile_kv_env::Histogram;

    use super::*;

    #[test]
    fn a_page_names_types_and_values() {
        let mut reading = Reading::default();
        reading.gauge("connections", "Open client connections", 3);
        reading.counter("commands", "Commands received", 17);
        let histogram = Histogram::default();
        histogram.observe(Duration::from_micros(70));
        histogram.observe(Duration::from_secs(60));
        reading.histogram(HistogramFamily {
            name: "statement_seconds",
            help: "Time of statements",
            samples: vec![
                (vec![("kind", "select"), ("outcome", "ok")], histogram.read()),
                (Vec::new(), histogram.read()),
            ],
        });
        let page = render(reading).expect("memory");
        for line in [
            "# TYPE rutile_connections gauge",
            "rutile_connections 3",
            "rutile_commands_total 17",
            "# TYPE rutile_statement_seconds histogram",
            "rutile_statement_seconds_bucket{le=\"0.00005\",kind=\"select\",outcome=\"ok\"} 0",
            "rutile_statement_seconds_bucket{le=\"0.0001\",kind=\"select\",outcome=\"ok\"} 1",
            "rutile_statement_seconds_bucket{le=\"+Inf\",kind=\"select\",outcome=\"ok\"} 2",
            "rutile_statement_seconds_count{kind=\"select\",outcome=\"ok\"} 2",
            "rutile_statement_seconds_count 2",
            "# EOF",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} in\n{page}");
        }
    }
}
