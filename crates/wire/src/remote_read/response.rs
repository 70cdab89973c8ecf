use bellwether_model::Labels;

use super::error::ReadError;
use crate::remote_write::{WriteSeries, write_series};
use crate::snappy;
use bellwether_protobuf::{Fields, MessageWriter};

/// Appends a series to the content of a `prometheus.QueryResult`. Its exemplars are not part of such an answer.
pub fn append_result_series(series: &WriteSeries<'_>, result: &mut Vec<u8>) {
    write_series(&mut MessageWriter::new(result), series);
}

/// Appends the result of a query, which [`append_result_series`] wrote, to a `prometheus.ReadResponse`; results stand in the order of
/// the queries.
pub fn append_query_result(result: &[u8], response: &mut Vec<u8>) {
    MessageWriter::new(response).bytes(1, result);
}

/// Compresses a `prometheus.ReadResponse` into the body of an answer. `body` is replaced. A message of 4 GiB or more cannot be sent.
pub fn compress_read_response(response: &[u8], body: &mut Vec<u8>) -> Result<(), ReadError> {
    Ok(snappy::compress(response, body)?)
}

/// The results of a request, one for each query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReadResponse {
    /// The series of each query.
    pub results: Vec<Vec<ReadSeries>>,
}

/// A series of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadSeries {
    /// The labels.
    pub labels: Labels,
    /// Times and values of the float samples.
    pub floats: Vec<(i64, f64)>,
    /// How many native histograms there are; their content is not read yet.
    pub n_histograms: usize,
}

/// Decompresses and decodes the body of an answer of at most `max_decoded_bytes`.
pub fn receive_read_response(body: &[u8], max_decoded_bytes: usize) -> Result<ReadResponse, ReadError> {
    let mut message = Vec::new();
    snappy::decompress(body, max_decoded_bytes, max_decoded_bytes, &mut message)?;
    let mut response = ReadResponse::default();
    let mut fields = Fields::new(&message);
    while let Some(field) = fields.next_field()? {
        if field.number != 1 {
            continue;
        }
        let mut series = Vec::new();
        let mut result = field.message()?;
        while let Some(field) = result.next_field()? {
            if field.number == 1 {
                series.push(read_series(field.message()?)?);
            }
        }
        response.results.push(series);
    }
    Ok(response)
}

/// `prometheus.TimeSeries`
fn read_series(mut message: Fields<'_>) -> Result<ReadSeries, ReadError> {
    let (mut labels, mut floats, mut n_histograms) = (Vec::new(), Vec::new(), 0);
    while let Some(field) = message.next_field()? {
        match field.number {
            1 => labels.push(read_label(field.message()?)?),
            2 => {
                let (mut value, mut ts_ms) = (0.0, 0);
                let mut sample = field.message()?;
                while let Some(field) = sample.next_field()? {
                    match field.number {
                        1 => value = field.double()?,
                        2 => ts_ms = field.varint()? as i64,
                        _ => {}
                    }
                }
                floats.push((ts_ms, value));
            }
            4 => n_histograms += 1,
            _ => {}
        }
    }
    Ok(ReadSeries { labels: Labels::from_pairs(labels), floats, n_histograms })
}

/// `prometheus.Label`
pub(super) fn read_label(mut message: Fields<'_>) -> Result<(&str, &str), ReadError> {
    let (mut name, mut value) = (&b""[..], &b""[..]);
    while let Some(field) = message.next_field()? {
        match field.number {
            1 => name = field.bytes()?,
            2 => value = field.bytes()?,
            _ => {}
        }
    }
    let name = std::str::from_utf8(name).map_err(|_| ReadError::Text("the name of a label"))?;
    let value = std::str::from_utf8(value).map_err(|_| ReadError::Text("the value of a label"))?;
    Ok((name, value))
}
