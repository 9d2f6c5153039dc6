use std::sync::Arc;

use larkspur_api::{Empty, Input, Operation, Process, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, post};

use crate::console::{Link, Links};
use crate::operations::CONTROL;

/// `POST /larkspur/v1/console/links`
pub(crate) struct Make;

impl Operation for Make {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.console.link",
        summary: "Make a link that signs a browser in to the console, once and within 10 minutes",
        route: post("/larkspur/v1/console/links"),
        // Nothing in the store changes, so a read-only server does it, too.
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        codes: &[codes::CONSOLE_OFF],
        emits: &[],
        example: "",
        ..CONTROL
    };
    type Ground = Process;
    type Path = Empty;
    type Query = Empty;
    type Body = Empty;
    type Output = Link;

    async fn run(process: &mut Process, call: &RootCall, _input: &Input<Self>) -> Result<Link, Fault> {
        let links: Arc<dyn Links> = process.service()?;
        links.link(call.now)
    }
}
