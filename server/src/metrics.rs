//! What `/metrics` shows: counters of the wire, of the listener and of the store, read when asked for.

use std::sync::atomic::AtomicU64;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use rutile_server_wire::Metrics as WireMetrics;

/// One reading of everything.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) counters: Vec<(String, &'static str, u64)>,
    pub(crate) gauges: Vec<(String, &'static str, u64)>,
}

impl Reading {
    pub(crate) fn counter(&mut self, name: impl Into<String>, help: &'static str, value: u64) {
        self.counters.push((name.into(), help, value));
    }

    pub(crate) fn gauge(&mut self, name: impl Into<String>, help: &'static str, value: u64) {
        self.gauges.push((name.into(), help, value));
    }

    /// The counters of the MySQL protocol.
    pub(crate) fn wire(&mut self, metrics: &WireMetrics) {
        let rows: [(&str, &'static str, &AtomicU64); 7] = [
            ("logins", "Successful logins", &metrics.logins),
            ("logins_refused", "Logins refused or not finished", &metrics.logins_refused),
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
        Ok(())
    }
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
    use super::*;

    #[test]
    fn a_page_names_types_and_values() {
        let mut reading = Reading::default();
        reading.gauge("connections", "Open client connections", 3);
        reading.counter("commands", "Commands received", 17);
        let page = render(reading).expect("memory");
        for line in ["# TYPE rutile_connections gauge", "rutile_connections 3", "rutile_commands_total 17"] {
            assert!(page.lines().any(|found| found == line), "{line} in\n{page}");
        }
    }
}
