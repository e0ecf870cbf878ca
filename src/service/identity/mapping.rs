//! How an issuer's claims become the claims of a role, by configuration.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::claims::{Claims, Role};
use super::verifier::{TokenRefusal, Verified};
use crate::config::issuer::IssuerConfig;

/// Between the name of an issuer and its own word for a subject; no name holds it.
const QUALIFIER: char = '/';

/// The mapping of one issuer.
#[derive(Debug, Clone)]
pub struct Mapping {
    role: Pointer,
    organization: Pointer,
    division: Pointer,
    approver: Pointer,
    role_values: BTreeMap<String, String>,
    organization_values: BTreeMap<String, String>,
    division_values: BTreeMap<String, String>,
    approver_value: String,
    allowed: Vec<Role>,
    admin_acr: Vec<String>,
    admin_amr: Vec<String>,
    subjects: Subjects,
}

/// How subjects of different issuers are kept apart.
#[derive(Debug, Clone)]
enum Subjects {
    /// As they are; but not as one of another issuer would look.
    Plain {
        /// Names of the other issuers.
        others: BTreeSet<String>,
    },
    /// With the name of the issuer in front.
    Qualified(String),
}

/// A JSON pointer (RFC 6901).
#[derive(Debug, Clone)]
struct Pointer(String);

impl Pointer {
    /// Of a pointer, or of names joined by dots.
    fn of(path: &str) -> Self {
        if path.is_empty() || path.starts_with('/') {
            return Self(path.to_owned());
        }
        let names = path
            .split('.')
            .map(|name| name.replace('~', "~0").replace('/', "~1"));
        Self(names.fold(String::new(), |all, name| format!("{all}/{name}")))
    }

    /// What is there; `None`: nothing, or the path is left out.
    fn find<'a>(&self, claims: &'a Value) -> Option<&'a Value> {
        if self.0.is_empty() {
            return None;
        }
        claims.pointer(&self.0).filter(|found| !found.is_null())
    }
}

impl Mapping {
    /// That of the issuer of `[auth]`: its words are ours, and its subjects stay as they are.
    #[must_use]
    pub fn plain(others: BTreeSet<String>) -> Self {
        let own = Self::of(&IssuerConfig::default());
        Self {
            allowed: clap::ValueEnum::value_variants().to_vec(),
            subjects: Subjects::Plain { others },
            ..own
        }
    }

    /// That of another issuer.
    #[must_use]
    pub fn of(config: &IssuerConfig) -> Self {
        let paths = &config.claims;
        Self {
            role: Pointer::of(&paths.role),
            organization: Pointer::of(&paths.organization),
            division: Pointer::of(&paths.division),
            approver: Pointer::of(&paths.approver),
            role_values: config.role_values.clone(),
            organization_values: config.organization_values.clone(),
            division_values: config.division_values.clone(),
            approver_value: config.approver_value.clone(),
            allowed: config.roles.iter().filter_map(|role| Role::named(role)).collect(),
            admin_acr: config.admin_acr.clone(),
            admin_amr: config.admin_amr.clone(),
            subjects: Subjects::Qualified(config.name.clone()),
        }
    }

    /// What a verified token says here.
    ///
    /// # Errors
    /// The first reason to refuse it.
    pub fn read(&self, token: &Verified) -> Result<Claims, TokenRefusal> {
        let claims = &token.claims;
        let role = self.role_of(claims)?;
        if !self.allowed.contains(&role) {
            return Err(TokenRefusal::RoleNotAllowed);
        }
        if role.is_administrator() {
            self.check_sign_in(claims)?;
        }
        Claims {
            subject: self.subject(&token.subject)?,
            role,
            organization: code(&self.organization, &self.organization_values, claims)?,
            division: code(&self.division, &self.division_values, claims)?,
            approver: self.is_approver(claims)?,
        }
        .checked()
    }

    fn subject(&self, said: &str) -> Result<String, TokenRefusal> {
        match &self.subjects {
            Subjects::Qualified(name) if !said.is_empty() => Ok(format!("{name}{QUALIFIER}{said}")),
            Subjects::Qualified(_) => Err(TokenRefusal::Subject),
            Subjects::Plain { others } => match said.split_once(QUALIFIER) {
                Some((name, _)) if others.contains(name) => Err(TokenRefusal::Subject),
                Some(_) | None => Ok(said.to_owned()),
            },
        }
    }

    /// The one role of a token. One that carries two is refused, whichever they are: nobody acts in two capacities at
    /// once, and least of all as two of the three administrators (GB/T 22239 level 3).
    fn role_of(&self, claims: &Value) -> Result<Role, TokenRefusal> {
        let said = texts(self.role.find(claims).ok_or(TokenRefusal::Claims)?)?;
        let known = said.iter().filter_map(|word| {
            if self.role_values.is_empty() {
                Role::named(word)
            } else {
                self.role_values.get(*word).and_then(|role| Role::named(role))
            }
        });
        let mut found = None;
        for role in known {
            if found.is_some_and(|found| found != role) {
                return Err(TokenRefusal::SeveralRoles);
            }
            found = Some(role);
        }
        found.ok_or(TokenRefusal::UnknownRole)
    }

    /// Administrators sign in as strongly as the configuration asks.
    fn check_sign_in(&self, claims: &Value) -> Result<(), TokenRefusal> {
        let holds = |name: &str, wanted: &[String]| {
            let said = claims.get(name).map(texts).transpose().ok().flatten();
            wanted.is_empty()
                || said.is_some_and(|said| said.iter().any(|word| wanted.iter().any(|one| one == word)))
        };
        (holds("acr", &self.admin_acr) && holds("amr", &self.admin_amr))
            .then_some(())
            .ok_or(TokenRefusal::WeakSignIn)
    }

    fn is_approver(&self, claims: &Value) -> Result<bool, TokenRefusal> {
        match self.approver.find(claims) {
            None => Ok(false),
            Some(said) if self.approver_value.is_empty() => said.as_bool().ok_or(TokenRefusal::Claims),
            Some(said) => Ok(texts(said)?.contains(&self.approver_value.as_str())),
        }
    }
}

/// A code, translated; one that has no translation means itself.
fn code(
    path: &Pointer,
    values: &BTreeMap<String, String>,
    claims: &Value,
) -> Result<Option<String>, TokenRefusal> {
    let Some(found) = path.find(claims) else {
        return Ok(None);
    };
    let said = texts(found)?;
    match said.as_slice() {
        [] | [""] => Ok(None),
        [one] => Ok(Some(
            values.get(*one).map_or_else(|| (*one).to_owned(), Clone::clone),
        )),
        [_, _, ..] => Err(TokenRefusal::Claims),
    }
}

/// A text, or a list of texts.
fn texts(value: &Value) -> Result<Vec<&str>, TokenRefusal> {
    match value {
        Value::String(one) => Ok(vec![one]),
        Value::Array(several) => several
            .iter()
            .map(|one| one.as_str().ok_or(TokenRefusal::Claims))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Err(TokenRefusal::Claims),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use serde_json::json;

    fn token(subject: &str, claims: Value) -> Verified {
        Verified {
            subject: subject.to_owned(),
            expires_at: DateTime::UNIX_EPOCH,
            issued_at: DateTime::UNIX_EPOCH,
            token_id: None,
            claims,
        }
    }

    fn staff() -> IssuerConfig {
        toml::from_str(
            r#"
            name = "staff"
            roles = ["clerk", "officer", "security-admin", "audit-admin"]
            claims = { role = "realm_access.roles", organization = "/dept~1id", approver = "realm_access.roles" }
            role_values = { "window-clerk" = "clerk", decider = "officer", security = "security-admin",
                            audit = "audit-admin", root = "system-admin" }
            organization_values = { "D-7" = "BB-MCA" }
            approver_value = "may-extend"
            admin_amr = ["otp"]
            "#,
        )
        .unwrap()
    }

    #[test]
    fn words_of_an_issuer_become_ours() {
        let mapping = Mapping::of(&staff());
        let read = |roles: &[&str], more: Value| {
            let mut claims = json!({ "realm_access": { "roles": roles }, "dept/id": "D-7" });
            for (name, value) in more.as_object().unwrap() {
                claims[name] = value.clone();
            }
            mapping.read(&token("u-1", claims))
        };
        let officer = read(&["offline_access", "decider", "may-extend"], json!({})).unwrap();
        assert_eq!(
            officer,
            Claims {
                subject: "staff/u-1".to_owned(),
                role: Role::Officer,
                organization: Some("BB-MCA".to_owned()),
                division: None,
                approver: true,
            }
        );
        let clerk = read(&["window-clerk"], json!({ "dept/id": ["BB-HRSS"] })).unwrap();
        assert_eq!(clerk.organization.as_deref(), Some("BB-HRSS"));
        for (roles, more, refusal) in [
            (&["officer"][..], json!({}), TokenRefusal::UnknownRole),
            (&["root"], json!({}), TokenRefusal::RoleNotAllowed),
            (
                &["decider", "window-clerk"],
                json!({}),
                TokenRefusal::SeveralRoles,
            ),
            (
                &["security", "audit"],
                json!({ "amr": ["otp"] }),
                TokenRefusal::SeveralRoles,
            ),
            (
                &["security", "root"],
                json!({ "amr": ["otp"] }),
                TokenRefusal::SeveralRoles,
            ),
            (&["security"], json!({}), TokenRefusal::WeakSignIn),
            (&["security"], json!({ "amr": ["pwd"] }), TokenRefusal::WeakSignIn),
            (
                &["decider"],
                json!({ "dept/id": ["A", "B"] }),
                TokenRefusal::Claims,
            ),
            (
                &["decider"],
                json!({ "dept/id": null }),
                TokenRefusal::MissingOrganization,
            ),
        ] {
            assert_eq!(read(roles, more), Err(refusal), "{roles:?}");
        }
        assert_eq!(
            read(&["security"], json!({ "amr": ["pwd", "otp"] })).map(|claims| claims.role),
            Ok(Role::SecurityAdmin)
        );
    }

    #[test]
    fn subjects_of_different_issuers_never_collide() {
        let plain = Mapping::plain(BTreeSet::from(["staff".to_owned()]));
        let citizen = json!({ "role": "citizen" });
        let subject = |said: &str| {
            plain
                .read(&token(said, citizen.clone()))
                .map(|claims| claims.subject)
        };
        assert_eq!(subject("u-1"), Ok("u-1".to_owned()));
        assert_eq!(subject("other/u-1"), Ok("other/u-1".to_owned()));
        assert_eq!(subject("staff/u-1"), Err(TokenRefusal::Subject));
        assert_eq!(subject(""), Err(TokenRefusal::Subject));
    }
}
