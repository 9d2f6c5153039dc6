use larkspur_contract::ids::TenantKey;
use larkspur_contract::{
    Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes,
};
use larkspur_store::{Tx, tenants};
use schemars::JsonSchema;
use serde::Serialize;

use crate::rules::images::avatar_sized;
use crate::{Call, Empty, Input, Operation};

/// `GET /tenant/v2/tenant/query`
pub(crate) struct Get;

/// The tenant.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The tenant of the token.
    tenant: TenantInfo,
}

/// A tenant.
#[derive(Debug, Serialize, JsonSchema)]
struct TenantInfo {
    /// Name.
    name: String,
    /// Public number: `F` and nine digits.
    display_id: String,
    /// 0: a team; 2: a person.
    tenant_tag: u8,
    /// Its key.
    tenant_key: String,
    /// Pictures.
    avatar: Avatar,
}

/// URLs of a picture in several sizes.
#[derive(Debug, Serialize, JsonSchema)]
struct Avatar {
    avatar_origin: String,
    avatar_72: String,
    avatar_240: String,
    avatar_640: String,
}

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "tenant.v2.tenant.query",
        summary: "Get the tenant of a token",
        reference: "tenant-v2/tenant/query",
        route: get("/open-apis/tenant/v2/tenant/query"),
        access: Access::tenant(&[scopes::TENANT_READONLY]),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[codes::TENANT_UNKNOWN, codes::TENANT_DENIED],
        recodes: &[],
        emits: &[],
        example: "",
        behaviours: &[SHOWN],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, _input: &Input<Self>) -> Result<Output, Fault> {
        let absent = || Fault::new(codes::TENANT_UNKNOWN, "the tenant of the token was deleted");
        let tenant = tenants::get(tx).await?.ok_or_else(absent)?;
        Ok(Output {
            tenant: TenantInfo {
                name: tenant.name.clone(),
                display_id: display_id(call.tenant),
                tenant_tag: 0,
                tenant_key: call.tenant.to_string(),
                avatar: Avatar {
                    avatar_origin: avatar_sized("", "noop"),
                    avatar_72: avatar_sized("", "72x72"),
                    avatar_240: avatar_sized("", "240x240"),
                    avatar_640: avatar_sized("", "640x640"),
                },
            },
        })
    }
}

/// The public number of a tenant, derived from its key.
fn display_id(tenant: TenantKey) -> String {
    format!("F{:09}", tenant.0 % 1_000_000_000)
}

const SHOWN: Behaviour = Behaviour {
    name: "tenant_shown",
    rule: "A tenant is a team, with the default picture and no domain; display_id is derived from its key.",
    basis: Basis::Assumed,
    switch: false,
};
