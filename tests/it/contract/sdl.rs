//! The schema of this build as its own text tells it, for whoever makes questions from it.

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, ObjectType, Type, TypeDefinition, TypeKind,
    TypeSystemDefinition,
};
use onedoor::graphql::schema::sdl;

/// The types of the schema, parsed from its own text.
pub(crate) struct Contract {
    pub(crate) types: Vec<TypeDefinition>,
}

impl Contract {
    pub(crate) fn of_this_build() -> Self {
        let document = parse_schema(sdl()).unwrap();
        let types = document
            .definitions
            .into_iter()
            .filter_map(|definition| match definition {
                TypeSystemDefinition::Type(definition) => Some(definition.node),
                TypeSystemDefinition::Schema(_) | TypeSystemDefinition::Directive(_) => None,
            });
        Self {
            types: types.collect(),
        }
    }

    /// The fields of an object type.
    pub(crate) fn fields(&self, object: &str) -> Vec<&FieldDefinition> {
        let Some(TypeKind::Object(found)) = self.named(object).map(|definition| &definition.kind) else {
            panic!("{object} is no object type");
        };
        found.fields.iter().map(|field| &field.node).collect()
    }

    /// Every root field: root, field.
    pub(crate) fn root_fields(&self) -> Vec<(&'static str, &FieldDefinition)> {
        ["Query", "Mutation", "Subscription"]
            .into_iter()
            .flat_map(|root| self.fields(root).into_iter().map(move |field| (root, field)))
            .collect()
    }

    /// The values of an enum.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        let Some(TypeKind::Enum(found)) = self.named(name).map(|definition| &definition.kind) else {
            panic!("{name} is no enum");
        };
        found
            .values
            .iter()
            .map(|value| value.node.value.node.to_string())
            .collect()
    }

    /// The fields of an object type with the types at their bottom; none for other types.
    pub(crate) fn field_names(&self, object: &str) -> Vec<(String, String)> {
        let fields = self.objects().find(|(name, _)| *name == object);
        fields
            .into_iter()
            .flat_map(|(_, kind)| &kind.fields)
            .map(|field| {
                let field = &field.node;
                (field.name.node.to_string(), bottom(&field.ty.node).to_owned())
            })
            .collect()
    }

    /// Every field of every object type.
    pub(crate) fn all_fields(&self) -> Vec<(String, String)> {
        self.objects()
            .flat_map(|(name, kind)| {
                let fields = kind.fields.iter();
                fields.map(move |field| (name.to_owned(), field.node.name.node.to_string()))
            })
            .collect()
    }

    /// What a union or interface can be; none for other types.
    pub(crate) fn members(&self, name: &str) -> Vec<String> {
        match self.named(name).map(|definition| &definition.kind) {
            Some(TypeKind::Union(union)) => union.members.iter().map(|one| one.node.to_string()).collect(),
            Some(TypeKind::Interface(_)) => self
                .objects()
                .filter(|(object, _)| self.implements(object, name))
                .map(|(object, _)| object.to_owned())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Whether a type has nothing below it.
    pub(crate) fn is_leaf(&self, name: &str) -> bool {
        let below = self.named(name).map(|definition| &definition.kind);
        !matches!(
            below,
            Some(TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_))
        )
    }

    pub(crate) fn named(&self, name: &str) -> Option<&TypeDefinition> {
        self.types.iter().find(|definition| definition.name.node == name)
    }

    pub(crate) fn objects(&self) -> impl Iterator<Item = (&str, &ObjectType)> {
        self.types.iter().filter_map(|definition| match &definition.kind {
            TypeKind::Object(object) => Some((definition.name.node.as_str(), object)),
            TypeKind::Scalar
            | TypeKind::Interface(_)
            | TypeKind::Union(_)
            | TypeKind::Enum(_)
            | TypeKind::InputObject(_) => None,
        })
    }

    pub(crate) fn is_object(&self, name: &str) -> bool {
        self.named(name)
            .is_some_and(|definition| matches!(definition.kind, TypeKind::Object(_) | TypeKind::Interface(_)))
    }

    pub(crate) fn implements(&self, name: &str, interface: &str) -> bool {
        self.objects().any(|(object, kind)| {
            object == name
                && kind
                    .implements
                    .iter()
                    .any(|implemented| implemented.node == interface)
        })
    }

    pub(crate) fn input_fields(&self, name: &str) -> Vec<&InputValueDefinition> {
        let Some(TypeKind::InputObject(found)) = self.named(name).map(|definition| &definition.kind) else {
            panic!("{name} is no input type");
        };
        found.fields.iter().map(|field| &field.node).collect()
    }
}

/// The name of the type at the bottom of lists and non-null marks.
pub(crate) fn bottom(of: &Type) -> &str {
    match &of.base {
        BaseType::Named(name) => name,
        BaseType::List(item) => bottom(item),
    }
}

pub(crate) fn is_list(of: &Type) -> bool {
    matches!(of.base, BaseType::List(_))
}
