//! The schema of packs as JSON Schema, for editors.

use serde_json::{Map, Value, json};

use super::fields::{SECTIONS, SectionFields, Type};

/// The schema as JSON Schema, draft 2020-12. An editor that is told of it completes and checks packs.
pub fn json_schema() -> Value {
    let definitions: Map<String, Value> =
        SECTIONS.iter().map(|section| (section.name.to_owned(), section_schema(section))).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Bellwether pack",
        "$ref": format!("#/$defs/{}", SECTIONS[0].name),
        "$defs": definitions,
    })
}

fn section_schema(section: &SectionFields) -> Value {
    let properties: Map<String, Value> = section
        .fields
        .iter()
        .map(|field| {
            let mut schema = type_schema(field.ty);
            schema["description"] = field.doc.into();
            (field.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<&str> = section.fields.iter().filter(|f| f.required).map(|f| f.name).collect();
    // A label may be written as `name:` alone, which is a null.
    let null_too = section.fields.iter().all(|field| !field.required);
    let ty = if null_too { json!(["object", "null"]) } else { json!("object") };
    let mut mapping = json!({
        "type": ty,
        "properties": properties,
        "additionalProperties": false,
        "description": section.doc,
    });
    if !required.is_empty() {
        mapping["required"] = required.into();
    }
    match section.short {
        Some(short) => json!({ "anyOf": [type_schema(short), mapping] }),
        None => mapping,
    }
}

fn type_schema(ty: Type) -> Value {
    match ty {
        // Any scalar is text in YAML: `version: 1` and `job: on` are what people write.
        Type::Text | Type::PromQl | Type::Selector => json!({ "type": ["string", "number", "boolean"] }),
        Type::Number => json!({ "type": "number" }),
        Type::Whole => json!({ "type": "integer", "minimum": 0 }),
        Type::Bool => json!({ "type": "boolean" }),
        Type::Duration => json!({
            "type": ["string", "number"],
            "pattern": "^([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$",
        }),
        Type::Word(words) => json!({ "enum": words }),
        Type::Section(name) => json!({ "$ref": format!("#/$defs/{name}") }),
        Type::List(of) => json!({ "type": "array", "items": type_schema(*of) }),
        Type::OneOrMore(of) => {
            json!({ "anyOf": [type_schema(*of), type_schema(Type::List(of))] })
        }
        Type::Map(of) => json!({ "type": "object", "additionalProperties": type_schema(*of) }),
        Type::Either(one, other) => json!({ "anyOf": [type_schema(*one), type_schema(*other)] }),
    }
}
