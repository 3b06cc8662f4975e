//! What Terraform core checks of a provider's responses: `AssertPlanValid` and `AssertObjectCompatible` of
//! `internal/plans/objchange`, for what our schema has: attributes and single blocks of attributes.

use std::collections::BTreeMap;

use tfplugin::schema::{AttributeConstraint, Block, NestedBlock, Schema};

use crate::value::{Object, Value};

/// What core knows of a resource type.
pub struct Shape {
    attributes: BTreeMap<String, Rule>,
    blocks: BTreeMap<String, Shape>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rule {
    /// The configuration alone decides.
    Configured,
    /// The configuration decides if it says anything.
    Either,
    /// The provider decides.
    Computed,
}

impl Shape {
    pub fn of(schema: &Schema) -> Self {
        Self::of_block(&schema.block)
    }

    fn of_block(block: &Block) -> Self {
        let attributes = block.attributes.iter().map(|(name, attribute)| {
            let rule = match attribute.constraint {
                AttributeConstraint::Required | AttributeConstraint::Optional => Rule::Configured,
                AttributeConstraint::OptionalComputed => Rule::Either,
                AttributeConstraint::Computed => Rule::Computed,
            };
            (name.clone(), rule)
        });
        let blocks = block.blocks.iter().map(|(name, block)| match block {
            NestedBlock::Single(block) => (name.clone(), Self::of_block(block)),
            other => panic!("the miniature core has no blocks such as {name}: {other:?}"),
        });
        Self {
            attributes: attributes.collect(),
            blocks: blocks.collect(),
        }
    }

    pub fn has(&self, attribute: &str) -> bool {
        self.attributes.contains_key(attribute)
    }

    /// The whole object that these settings make: what is not set is null.
    pub fn complete(&self, settings: &Object) -> Value {
        let names = self.attributes.keys().chain(self.blocks.keys());
        let whole = names.map(|name| {
            let value = match (settings.get(name), self.blocks.get(name)) {
                (Some(Value::Object(inner)), Some(block)) => block.complete(inner),
                (Some(value), _) => value.clone(),
                (None, _) => Value::Null,
            };
            (name.clone(), value)
        });
        Value::Object(whole.collect())
    }

    /// `ProposedNew`: the configuration, with prior values where it says nothing and the provider may decide.
    pub fn proposed(&self, prior: &Value, config: &Value) -> Value {
        let attributes = self.attributes.iter().map(|(name, rule)| {
            let configured = config.get(name);
            let keeps_prior = match rule {
                Rule::Configured => false,
                Rule::Either => configured.is_null(),
                Rule::Computed => true,
            };
            let value = if keeps_prior {
                prior.get(name)
            } else {
                configured
            };
            (name.clone(), value.clone())
        });
        let blocks = self.blocks.iter().map(|(name, block)| {
            let value = match config.get(name) {
                Value::Null => Value::Null,
                configured => block.proposed(prior.get(name), configured),
            };
            (name.clone(), value)
        });
        Value::Object(attributes.chain(blocks).collect())
    }

    /// Whether `value` has just the attributes of the schema.
    pub fn conforms(&self, value: &Value) -> Result<(), String> {
        let Value::Object(object) = value else {
            return Err(format!("not an object: {value:?}"));
        };
        let mut expected: Vec<_> = self.attributes.keys().chain(self.blocks.keys()).collect();
        expected.sort();
        if object.keys().eq(expected) {
            Ok(())
        } else {
            Err(format!("attributes {:?}", object.keys()))
        }
    }

    /// `AssertPlanValid`.
    pub fn plan_valid(&self, prior: &Value, config: &Value, planned: &Value) -> Result<(), String> {
        self.conforms(planned)?;
        for (name, rule) in &self.attributes {
            let (prior, config, planned) = (prior.get(name), config.get(name), planned.get(name));
            let is_prior = planned == prior && !prior.is_null() && !config.is_null();
            let is_free = *rule == Rule::Computed || *rule == Rule::Either && config.is_null();
            if planned != config && !is_prior && !is_free {
                return Err(format!(
                    "{name}: configured {config:?}, planned {planned:?}"
                ));
            }
        }
        for (name, block) in &self.blocks {
            let (config, planned) = (config.get(name), planned.get(name));
            if config.is_null() != planned.is_null() {
                return Err(format!("block {name} comes or goes"));
            }
            if !config.is_null() {
                block.plan_valid(prior.get(name), config, planned)?;
            }
        }
        Ok(())
    }
}

/// `AssertObjectCompatible`: what was planned as known has come true.
pub fn compatible(planned: &Value, actual: &Value) -> Result<(), String> {
    match (planned, actual) {
        (Value::Unknown, _) => Ok(()),
        (Value::Object(planned), Value::Object(actual)) => {
            planned.iter().try_for_each(|(name, value)| {
                compatible(value, actual.get(name).unwrap_or(&Value::Null))
                    .map_err(|difference| format!("{name}: {difference}"))
            })
        }
        _ if planned == actual => Ok(()),
        _ => Err(format!("was {planned:?}, is {actual:?}")),
    }
}
