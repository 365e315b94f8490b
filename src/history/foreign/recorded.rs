//! Recordings of our own in EDN (`zablab export --to jepsen-edn`): their lines as the JSON that they were made from.

use serde_json::{Map, Value as Json};

use super::value::Value;
use super::{Malformed, edn};

/// The JSON of a line that is a map of EDN; any other line as it is.
///
/// # Errors
/// If the line begins a map and is none.
pub fn as_json(number: u64, text: &str) -> Result<String, Malformed> {
    if !text.trim_start().starts_with("{:") {
        return Ok(text.to_owned());
    }
    let (element, _) = edn::next(text).map_err(|what| Malformed::new(number, what))?;
    Ok(json(&element.unwrap_or_default()).to_string())
}

fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Int(number) => Json::from(*number),
        Value::Number(number) => serde_json::from_str(number).unwrap_or(Json::Null),
        Value::Text(text) => Json::from(&**text),
        Value::List(elements) => Json::Array(elements.iter().map(json).collect()),
        Value::Map(fields) => {
            let field = |(key, value): &(Value, Value)| {
                let key = key
                    .as_text()
                    .map_or_else(|| key.to_string(), ToOwned::to_owned);
                (key, json(value))
            };
            Json::Object(fields.iter().map(field).collect::<Map<_, _>>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_of_edn_is_an_object_and_other_lines_stay() {
        let line = r#"{:index 3, :type :ok, :f :read, :value {"a" [1 nil]}, :zxid "1:7"}"#;
        let expected = r#"{"f":"read","index":3,"type":"ok","value":{"a":[1,null]},"zxid":"1:7"}"#;
        assert_eq!(as_json(1, line).unwrap(), expected);
        assert_eq!(as_json(1, "{\"a\": 1}").unwrap(), "{\"a\": 1}");
        assert!(as_json(1, "{:a").is_err());
    }
}
