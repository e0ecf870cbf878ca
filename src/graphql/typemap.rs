//! The schema's types as the edge needs them, read back from the schema's own text.
//!
//! The crate keeps its registry to itself; its SDL is public and complete, so that is what the edge reads.

use std::collections::{BTreeMap, HashMap};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, ConstDirective, FieldDefinition, InputValueDefinition, OperationType, Type, TypeKind,
    TypeSystemDefinition,
};
use async_graphql::{Positioned, Value as ConstValue};

/// The schema's own text does not parse.
#[derive(Debug, thiserror::Error)]
#[error("the schema's own text does not parse")]
pub struct TypeMapError(#[from] async_graphql::parser::Error);

/// A field of an output type.
#[derive(Debug, Clone)]
pub struct OutputField {
    /// Name of the type it gives, without list and non-null marks.
    pub named_type: String,
    /// Whether it takes `first` or `last`.
    pub paged: bool,
    /// Its arguments.
    pub arguments: BTreeMap<String, InputField>,
}

/// A field of an input object, or an argument.
#[derive(Debug, Clone)]
pub struct InputField {
    /// Its type.
    pub ty: Type,
    /// Whether it may be left out.
    pub optional: bool,
}

/// An input type.
#[derive(Debug, Clone)]
pub enum InputKind {
    /// A scalar, built in or ours.
    Scalar,
    /// An enum with its values.
    Enum(Vec<String>),
    /// An input object.
    Object {
        /// Its fields.
        fields: BTreeMap<String, InputField>,
        /// Whether exactly one of them must be given.
        one_of: bool,
    },
}

/// The types of a schema.
#[derive(Debug, Default)]
pub struct TypeMap {
    outputs: HashMap<String, HashMap<String, OutputField>>,
    inputs: HashMap<String, InputKind>,
}

impl TypeMap {
    /// Reads a schema's text.
    ///
    /// # Errors
    /// When it does not parse.
    pub fn from_sdl(sdl: &str) -> Result<Self, TypeMapError> {
        let mut types = Self::default();
        for scalar in ["Int", "Float", "String", "Boolean", "ID"] {
            types.inputs.insert(scalar.to_owned(), InputKind::Scalar);
        }
        for definition in parse_schema(sdl)?.definitions {
            if let TypeSystemDefinition::Type(found) = definition {
                types.add(
                    found.node.name.node.to_string(),
                    found.node.kind,
                    &found.node.directives,
                );
            }
        }
        Ok(types)
    }

    fn add(&mut self, name: String, kind: TypeKind, directives: &[Positioned<ConstDirective>]) {
        match kind {
            TypeKind::Object(object) => self.add_output(name, &object.fields),
            TypeKind::Interface(interface) => self.add_output(name, &interface.fields),
            TypeKind::Union(_) => self.add_output(name, &[]),
            TypeKind::Scalar => {
                self.inputs.insert(name, InputKind::Scalar);
            }
            TypeKind::Enum(values) => {
                let values = values
                    .values
                    .iter()
                    .map(|it| it.node.value.node.to_string())
                    .collect();
                self.inputs.insert(name, InputKind::Enum(values));
            }
            TypeKind::InputObject(object) => {
                let fields = object.fields.iter().map(|it| input_field(&it.node)).collect();
                let one_of = directives.iter().any(|it| it.node.name.node == "oneOf");
                self.inputs.insert(name, InputKind::Object { fields, one_of });
            }
        }
    }

    fn add_output(&mut self, name: String, fields: &[Positioned<FieldDefinition>]) {
        let fields = fields.iter().map(|it| output_field(&it.node)).collect();
        self.outputs.insert(name, fields);
    }

    /// A field of an output type.
    #[must_use]
    pub fn field(&self, on: &str, name: &str) -> Option<&OutputField> {
        self.outputs.get(on)?.get(name)
    }

    /// An input type.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<&InputKind> {
        self.inputs.get(name)
    }

    /// The root type of a kind of operation; the names are fixed (GRAPHQL §3).
    #[must_use]
    pub const fn root(kind: OperationType) -> &'static str {
        match kind {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        }
    }
}

fn output_field(field: &FieldDefinition) -> (String, OutputField) {
    let arguments: BTreeMap<_, _> = field.arguments.iter().map(|it| input_field(&it.node)).collect();
    let paged = arguments.contains_key("first") || arguments.contains_key("last");
    let named_type = named(&field.ty.node).to_owned();
    (
        field.name.node.to_string(),
        OutputField {
            named_type,
            paged,
            arguments,
        },
    )
}

fn input_field(field: &InputValueDefinition) -> (String, InputField) {
    let has_default = field
        .default_value
        .as_ref()
        .is_some_and(|it| it.node != ConstValue::Null);
    let optional = field.ty.node.nullable || has_default;
    (
        field.name.node.to_string(),
        InputField {
            ty: field.ty.node.clone(),
            optional,
        },
    )
}

fn named(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(inner) => named(inner),
    }
}
